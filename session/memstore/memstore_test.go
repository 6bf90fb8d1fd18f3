package memstore_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryKeepsTheLaw(t *testing.T) {
	sessiontest.Run(t, func(*testing.T) sessiontest.Storage {
		st := memstore.New()
		return sessiontest.Storage{
			A:      sessiontest.Node{Store: st, Bus: st.Bus()},
			B:      sessiontest.Node{Store: st, Bus: st.Bus()},
			Forget: st.Forget,
			Life:   st.Life,
		}
	})
}

func TestForgottenCodesAreThrownOut(t *testing.T) {
	st := memstore.New()
	for range 10_000 {
		s := sessiontest.New(st, -session.Memory)
		if _, err := session.Create(t.Context(), st, s); err != nil {
			t.Fatal(err)
		}
	}
	if n := st.Len(); n > 1024 {
		t.Errorf("%d codes whose time is over are kept", n)
	}
	if _, err := session.Create(t.Context(), st, sessiontest.New(st, time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkSwap(b *testing.B) {
	st := memstore.New()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.Create(b.Context(), st, sessiontest.New(st, time.Second)); err != nil {
			b.Fatal(err)
		}
	}
}
