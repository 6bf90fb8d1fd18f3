package app

import (
	"testing"

	"github.com/scanlogin/scanlogin/internal/metrics"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/tracing"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// TestWrappersKeepTheOptionalInterfacesOfAStore: otherwise readiness and the admission of new
// codes would silently ignore the store.
func TestWrappersKeepTheOptionalInterfacesOfAStore(t *testing.T) {
	redis := redisstore.New(redistest.Open(t, redisclient.Options{URL: "redis://127.0.0.1:1/0"}), redisstore.Options{})
	for name, wrap := range map[string]func(session.Store) session.Store{
		"nothing": func(st session.Store) session.Store { return st },
		"metrics": metrics.New().Store,
		"tracing": new(tracing.Traces).Store,
		"webhook": new(webhook.Relay).WrapStore,
	} {
		st := wrap(redis)
		if _, ok := session.As[session.Checker](st); !ok {
			t.Errorf("%s hides Check", name)
		}
		if _, ok := session.As[session.UsageReporter](st); !ok {
			t.Errorf("%s hides Usage", name)
		}
	}
}
