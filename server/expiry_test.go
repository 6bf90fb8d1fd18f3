package server_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// TestExpiryIsReportedOnceByTheNodeThatMadeTheCode has codes end in each way. An end by a step
// is reported by that step alone.
func TestExpiryIsReportedOnceByTheNodeThatMadeTheCode(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := make(map[session.ID][]string)
	observe := func(o *server.Options) {
		o.Observers = append(o.Observers, func(e session.Event) {
			mu.Lock()
			defer mu.Unlock()
			switch e.Kind {
			case session.EventExpired, session.EventLost, session.EventCanceled, session.EventWithdrawn, session.EventExchanged:
				if e.Pool != "p1" || e.Time.IsZero() {
					t.Errorf("event %+v", e)
				}
				how := string(e.Kind)
				if !e.Code.ConfirmedAt.IsZero() {
					how += " confirmed"
				} else if !e.Code.ScannedAt.IsZero() {
					how += " scanned"
				}
				ends[e.Code.ID] = append(ends[e.Code.ID], how)
			}
		})
	}
	n, other, _ := pair(t, observe, newPool(t, func(p *pool.Pool) {
		p.CodeTTL, p.ConfirmTTL, p.TicketTTL = 10*time.Second, 10*time.Second, 10*time.Second
	}))
	want := make(map[session.ID][]string)
	story := func(end string, steps ...string) {
		c := n.gene("p1")
		for _, step := range steps {
			other.phone(step, c.random, "alice").ok()
		}
		want[session.ID(c.random)] = []string{end}
	}
	story("expired")
	story("expired scanned", "scanned")
	story("expired confirmed", "scanned", "confirm")
	story("canceled scanned", "scanned", "cancel")
	eventually(t, "all ends are known", func() bool { return n.srv.Load().UnknownEnds == 0 })
	mu.Lock()
	defer mu.Unlock()
	for id, how := range want {
		if !slices.Equal(ends[id], how) {
			t.Errorf("reported %v, want %v", ends[id], how)
		}
	}
}

// TestLostCodesAreReported has a store that does not answer when a code expires, and that has
// lost the code when it answers again.
func TestLostCodesAreReported(t *testing.T) {
	t.Parallel()
	reported := make(chan session.Event, 10)
	n := start(t, memNode(), func(o *server.Options) {
		o.Observers = append(o.Observers, func(e session.Event) { reported <- e })
	}, newPool(t, func(p *pool.Pool) { p.CodeTTL = time.Second }))
	next := func() session.Event {
		t.Helper()
		select {
		case e := <-reported:
			return e
		case <-time.After(30 * time.Second):
			t.Fatal("nothing was reported")
			return session.Event{}
		}
	}
	c := n.gene("p1")
	next()
	asked := n.store.Fail(errors.New("away"))
	eventually(t, "the node loads the code", func() bool { return asked() > 1 })
	if open := n.srv.Load().UnknownEnds; open != 1 || len(reported) > 0 {
		t.Errorf("%d ends are unknown, %d were reported", open, len(reported))
	}
	n.store.Fail(session.ErrNotFound)
	if e := next(); e.Kind != session.EventLost || e.Pool != "p1" || string(e.Code.ID) != c.random {
		t.Errorf("event %+v", e)
	}
	eventually(t, "all ends are known", func() bool { return n.srv.Load().UnknownEnds == 0 })
}
