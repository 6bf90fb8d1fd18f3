package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// TestAStoreThatRefusesDoesNotFillTheLog makes calls and handshakes while the store
// refuses writes, and counts the lines.
func TestAStoreThatRefusesDoesNotFillTheLog(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.Limits.AddressRate = 10_000 }, newPool(t, nil))
	lines := func(message string) (all []string) {
		for line := range strings.Lines(n.log.String()) {
			if strings.Contains(line, `"msg":"`+message+`"`) && strings.Contains(line, `"level":"WARN"`) {
				all = append(all, line)
			}
		}
		return all
	}
	c := n.gene("p1")
	n.store.Fail(errors.New("READONLY You can't write against a read only replica."))
	const calls = 300
	for range calls {
		n.call("POST", "/gene", `{"userPoolId":"p1"}`).refused(503, 1000)
	}
	for range 20 {
		n.dial("userPoolId=p1", nil).closed(1013)
		n.dial("random="+c.random, nil).closed(1013)
	}
	n.store.Fail(fmt.Errorf("%w: OOM command not allowed", session.ErrFull))
	n.call("POST", "/gene", `{"userPoolId":"p1"}`).refused(503, 1000)
	n.store.Fail(nil)
	refused := lines("request refused")
	for message, all := range map[string][]string{"request refused": refused, "socket closed": lines("socket closed"), "socket not served": lines("socket not served")} {
		if len(all) == 0 || len(all) > 20 { // one of each kind per 10 s, on a machine that needs 100 s
			t.Errorf("%q: %d lines of %d calls", message, len(all), calls)
		}
	}
	if text := strings.Join(refused, ""); !strings.Contains(text, "READONLY") || !strings.Contains(text, "OOM") {
		t.Errorf("another reason is not logged: %s", text)
	}
}

// TestEachInternalErrorIsLogged completely, because each may be another bug.
func TestEachInternalErrorIsLogged(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Fallback = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") })
	}, newPool(t, nil))
	for range 3 {
		w := httptest.NewRecorder()
		n.srv.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/elsewhere", nil))
		if w.Code != 500 {
			t.Fatalf("answer %d", w.Code)
		}
	}
	if lines := strings.Count(n.log.String(), "panic: a bug"); lines != 3 {
		t.Errorf("%d lines of 3 internal errors: %s", lines, n.log.String())
	}
}
