package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/metrics"
	"github.com/scanlogin/scanlogin/session"
)

func TestLoginsAndReusesAreCountedByClient(t *testing.T) {
	m := metrics.New("p1")
	m.ShowClients("p1", "grafana", "spa")
	m.Observe(session.Event{Kind: session.EventExchanged, Pool: "p1", Client: "grafana"})
	m.Observe(session.Event{Kind: session.EventExchanged, Pool: "p1"}) // a ticket
	m.Observe(session.Event{Kind: session.EventTokenReused, Pool: "p1", Client: "spa"})
	m.Observe(session.Event{Kind: session.EventTokensRevoked, Pool: "p1", Client: "spa"})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`scanlogin_oidc_logins_total{client="grafana",pool="p1"} 1`, `scanlogin_oidc_logins_total{client="spa",pool="p1"} 0`,
		`scanlogin_oidc_reuses_total{client="grafana",pool="p1"} 0`, `scanlogin_oidc_reuses_total{client="spa",pool="p1"} 1`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if n := strings.Count(string(text), "\nscanlogin_oidc_logins_total"); n != 2 {
		t.Errorf("%d series of logins, want 2", n)
	}
}
