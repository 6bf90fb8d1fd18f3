package tracing

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/scanlogin/scanlogin/session"
)

// tracedStore is a store whose operations are spans of the requests that cause them.
type tracedStore struct {
	session.Store
	tracer trace.Tracer
}

// Store returns a store that traces the operations of st. Operations without a recorded request
// (of sockets, of the readiness check) are not traced.
func (t *Traces) Store(st session.Store) session.Store { return &tracedStore{st, t.tracer} }

// Unwrap returns the wrapped store.
func (st *tracedStore) Unwrap() session.Store { return st.Store }

// Load implements session.Store.
func (st *tracedStore) Load(ctx context.Context, id session.ID) (session.Session, error) {
	ctx, span := st.start(ctx, "store load")
	code, err := st.Store.Load(ctx, id)
	finish(span, err)
	return code, err
}

// Create implements session.Store.
func (st *tracedStore) Create(ctx context.Context, s session.Session) (session.Session, error) {
	ctx, span := st.start(ctx, "store create")
	code, err := st.Store.Create(ctx, s)
	finish(span, err)
	return code, err
}

// Apply implements session.Store. A refusal is no error of the store.
func (st *tracedStore) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	ctx, span := st.start(ctx, "store apply")
	code, outcome, err := st.Store.Apply(ctx, id, t)
	finish(span, err)
	return code, outcome, err
}

// start returns a span below the recorded span in ctx, nil if there is none.
func (st *tracedStore) start(ctx context.Context, name string) (context.Context, trace.Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nil
	}
	return st.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient))
}

// finish ends a span with the result of the store. The text of an error is only in the log,
// because it may contain addresses.
func finish(span trace.Span, err error) {
	if span == nil {
		return
	}
	defer span.End()
	kind := ""
	switch {
	case err == nil:
		return
	case errors.Is(err, session.ErrNotFound):
		kind = "not_found"
	case errors.Is(err, session.ErrStale):
		kind = "stale"
	case errors.Is(err, session.ErrOver):
		kind = "over"
	default:
		span.SetStatus(codes.Error, "")
		kind = "unavailable"
	}
	span.SetAttributes(attribute.String("error.type", kind))
}
