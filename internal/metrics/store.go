package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scanlogin/scanlogin/session"
)

// measured is a store whose calls are timed.
type measured struct {
	session.Store
	load, swap operation
}

type operation struct {
	took     prometheus.Observer
	failures prometheus.Counter
}

// Store returns st with its calls timed. What a bus reads by itself is not
// among them.
func (m *Metrics) Store(st session.Store) session.Store {
	of := func(name string) operation {
		return operation{m.calls.WithLabelValues(name), m.failures.WithLabelValues(name)}
	}
	return &measured{Store: st, load: of("load"), swap: of("swap")}
}

// Unwrap returns the store whose calls are timed.
func (st *measured) Unwrap() session.Store { return st.Store }

// Load implements session.Store.
func (st *measured) Load(ctx context.Context, id session.ID) (session.Session, error) {
	began := time.Now()
	code, err := st.Store.Load(ctx, id)
	st.load.done(began, err)
	return code, err
}

// Swap implements session.Store.
func (st *measured) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	began := time.Now()
	err := st.Store.Swap(ctx, next, op)
	st.swap.done(began, err)
	return err
}

// done counts a call. A client that has left is no failure of the store.
func (o operation) done(began time.Time, err error) {
	o.took.Observe(time.Since(began).Seconds())
	switch {
	case err == nil, errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrStale), errors.Is(err, session.ErrOver),
		errors.Is(err, context.Canceled):
	default:
		o.failures.Inc()
	}
}
