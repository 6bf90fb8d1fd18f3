package tracing

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/scanlogin/scanlogin/session"
)

// traced is a store whose calls are spans of the calls that cause them.
type traced struct {
	session.Store
	tracer trace.Tracer
}

// Store returns st with its calls traced. What no recorded call has caused (a
// socket's reading, the readiness) is not.
func (t *Traces) Store(st session.Store) session.Store { return &traced{st, t.tracer} }

// Unwrap returns the store whose calls are traced.
func (st *traced) Unwrap() session.Store { return st.Store }

// Load implements session.Store.
func (st *traced) Load(ctx context.Context, id session.ID) (session.Session, error) {
	ctx, span := st.start(ctx, "store load")
	code, err := st.Store.Load(ctx, id)
	finish(span, err)
	return code, err
}

// Swap implements session.Store.
func (st *traced) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	ctx, span := st.start(ctx, "store swap")
	err := st.Store.Swap(ctx, next, op)
	finish(span, err)
	return err
}

// start begins a span under a recorded one; without, it is nil.
func (st *traced) start(ctx context.Context, name string) (context.Context, trace.Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nil
	}
	return st.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient))
}

// finish ends a span with what the store said. An error's text stays in the
// log, as it may name addresses.
func finish(span trace.Span, err error) {
	if span == nil {
		return
	}
	defer span.End()
	answer := ""
	switch {
	case err == nil:
		return
	case errors.Is(err, session.ErrNotFound):
		answer = "not_found"
	case errors.Is(err, session.ErrStale):
		answer = "stale"
	case errors.Is(err, session.ErrOver):
		answer = "over"
	default:
		span.SetStatus(codes.Error, "")
		answer = "unavailable"
	}
	span.SetAttributes(attribute.String("error.type", answer))
}
