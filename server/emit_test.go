package server_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// TestEachStepAndRefusalIsEmittedOnce also repeats steps, which must emit nothing, and
// sends requests that are refused.
func TestEachStepAndRefusalIsEmittedOnce(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	st := memstore.New()
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) {
		o.Observers = append(o.Observers, func(e session.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.IP != "127.0.0.1" || e.Time.IsZero() || e.RequestID == "" && e.Kind != session.EventWithdrawn && e.Kind != session.EventMade {
				t.Errorf("event %+v", e)
			}
			if e.Kind == session.EventConfirmed && (e.Code.ScannedAt.IsZero() || e.Code.ConfirmedAt.Before(e.Code.ScannedAt)) {
				t.Errorf("confirmed at %v, scanned at %v", e.Code.ConfirmedAt, e.Code.ScannedAt)
			}
			was := "none"
			if e.Code.ID != "" {
				was = e.Code.Status.Event()
			}
			seen = append(seen, fmt.Sprintf("%s %q %s %s %s %s", e.Kind, e.Pool, e.User, was, e.Call, e.Reason))
		})
	}, newPool(t, nil))
	expect := func(want ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(seen, want) {
			t.Errorf("seen:\n%s\nwant:\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
		}
		seen = nil
	}
	c := n.gene("p1")
	n.phone("scanned", c.random, "alice").ok()
	n.phone("scanned", c.random, "alice").ok()
	n.phone("scanned", c.random, "bob").refused(409, 2245)
	n.phone("confirm", c.random, "alice").ok()
	ticket := n.check(c)["ticket"]
	exchange := func() answer {
		return n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret))
	}
	exchange().ok()
	exchange().refused(410, 2246)
	expect(`made "p1"  waiting  `, `scanned "p1" alice scanned  `, `refused "p1" bob scanned scanned other_user`,
		`confirmed "p1" alice confirmed  `, `exchanged "p1"  confirmed  `, `refused "p1"  confirmed userinfo invalid_ticket`)

	c = n.gene("p1")
	n.phone("scanned", c.random, "alice").ok()
	n.phone("cancel", c.random, "alice").ok()
	n.call("GET", "/check?random="+string(session.NewID()), nil).refused(404, 2241)
	n.call("GET", "/nothing", nil).refused(404, 404)
	expect(`made "p1"  waiting  `, `scanned "p1" alice scanned  `, `canceled "p1" alice canceled  `,
		`refused ""  none check no_code`, `refused ""  none  no_route`)

	page := n.dial("userPoolId=p1", nil)
	page.event("code")
	page.say(`{"action":"refresh"}`)
	page.event("code")
	expect(`made "p1"  waiting  `, `withdrawn "p1"  expired  `, `made "p1"  waiting  `)
}
