package server_test

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkCheck is one call, without a tracer: what tracing costs where it is
// off is the difference to what it was before there was any.
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
