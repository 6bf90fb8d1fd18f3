package server_test

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkCheck measures one call without a tracer.
func BenchmarkCheck(b *testing.B) {
	n := alone(b, newPool(b, nil))
	c := n.gene("p1")
	h := n.srv.Handler()
	r := httptest.NewRequest("GET", "/api/v2/qrcode/check?random="+c.random, nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
