package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scanlogin/scanlogin/session"
)

// timedStore is a store whose operations are measured.
type timedStore struct {
	session.Store
	load, create, apply operation
}

type operation struct {
	took     prometheus.Observer
	failures prometheus.Counter
}

// Store returns a store that measures the operations of st. Reads by the bus are not included.
func (m *Metrics) Store(st session.Store) session.Store {
	metricsOf := func(name string) operation {
		return operation{m.calls.WithLabelValues(name), m.failures.WithLabelValues(name)}
	}
	return &timedStore{Store: st, load: metricsOf("load"), create: metricsOf("create"), apply: metricsOf("apply")}
}

// Unwrap returns the wrapped store.
func (st *timedStore) Unwrap() session.Store { return st.Store }

// Load implements session.Store.
func (st *timedStore) Load(ctx context.Context, id session.ID) (session.Session, error) {
	began := time.Now()
	code, err := st.Store.Load(ctx, id)
	st.load.done(began, err)
	return code, err
}

// Create implements session.Store.
func (st *timedStore) Create(ctx context.Context, s session.Session) (session.Session, error) {
	began := time.Now()
	code, err := st.Store.Create(ctx, s)
	st.create.done(began, err)
	return code, err
}

// Apply implements session.Store.
func (st *timedStore) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	began := time.Now()
	code, outcome, err := st.Store.Apply(ctx, id, t)
	st.apply.done(began, err)
	return code, outcome, err
}

// done observes an operation. A canceled request is not a failure of the store.
func (o operation) done(began time.Time, err error) {
	o.took.Observe(time.Since(began).Seconds())
	switch {
	case err == nil, errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrStale), errors.Is(err, session.ErrOver),
		errors.Is(err, context.Canceled):
	default:
		o.failures.Inc()
	}
}
