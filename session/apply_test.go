package session_test

import (
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// TestOnlyTheStoresClockExpiresACode uses a node whose clock is an hour ahead of the
// store's.
func TestOnlyTheStoresClockExpiresACode(t *testing.T) {
	st := memstore.New()
	made, err := st.Create(t.Context(), sessiontest.New(st, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	node := sessiontest.NewFaulty(sessiontest.Node{Store: st, Bus: st.Bus()})
	node.Ahead(time.Hour)
	scan := session.Change{Action: session.Scan, User: sessiontest.Alice, TTL: time.Minute}
	if got, err := sessiontest.Step(t.Context(), node, made, scan); err != nil || got.Status != session.Scanned {
		t.Errorf("scanned: error %v, %s", err, got.Status.Event())
	}
}
