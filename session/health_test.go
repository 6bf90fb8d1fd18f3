package session_test

import (
	"context"
	"testing"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
)

func TestUsageRatio(t *testing.T) {
	for usage, want := range map[session.Usage]float64{
		{Used: 1, Max: 4}: 0.25,
		{Used: 4, Max: 4}: 1,
		{Used: 1}:         0, // unlimited
		{}:                0,
	} {
		if got := usage.Ratio(); got != want {
			t.Errorf("%+v: ratio %v, want %v", usage, got, want)
		}
	}
}

// wrapper is a store around another one.
type wrapper struct{ session.Store }

func (w wrapper) Unwrap() session.Store { return w.Store }

// checked is a store that checks itself.
type checked struct{ session.Store }

func (checked) Check(context.Context) error { return nil }

func TestAsFindsWhatAWrappedStoreCanDo(t *testing.T) {
	plain := memstore.New()
	for name, c := range map[string]struct {
		store session.Store
		found bool
	}{
		"itself":          {checked{plain}, true},
		"wrapped":         {wrapper{checked{plain}}, true},
		"wrapped twice":   {wrapper{wrapper{checked{plain}}}, true},
		"cannot":          {struct{ session.Store }{plain}, false},
		"wrapped, cannot": {wrapper{struct{ session.Store }{plain}}, false},
		"no store":        {nil, false},
		"wrapper of none": {wrapper{nil}, false},
	} {
		if _, found := session.As[session.Checker](c.store); found != c.found {
			t.Errorf("%s: found %v", name, found)
		}
	}
}
