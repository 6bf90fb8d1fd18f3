// Package tracing follows calls with OpenTelemetry, as the standard environment
// variables say (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER,
// OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME and their like).
//
// It promises that nothing is traced, and nothing paid, unless they ask for it;
// that no span holds what a client sent: no token, ticket, key, address, query
// or header, and of a code only a hash, by which its calls find each other and
// nobody finds the code; and that no client decides what is recorded, unless the
// operator trusts the header that says so.
package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/scanlogin/scanlogin/session"
)

// Traces follows the calls of a node: a server.Tracer. nil follows none.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	trusting bool
	log      *slog.Logger
}

// Open begins to trace if the environment asks for that, else it returns nil.
// With trust, calls join the trace that they name. What OpenTelemetry has to
// complain about goes to log; of several opened in a process, to the last one's.
func Open(ctx context.Context, trust bool, log *slog.Logger) (*Traces, error) {
	if !wanted() {
		return nil, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w: OTEL_TRACES_EXPORTER is otlp, console or none, OTEL_EXPORTER_OTLP_PROTOCOL http/protobuf or grpc", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "scanlogin")),
		resource.WithFromEnv()) // wins; nothing of the process, whose arguments may be secret
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces are not exported", "error", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Traces{provider: provider, tracer: provider.Tracer("github.com/scanlogin/scanlogin"), trusting: trust, log: log}, nil
}

// wanted reports whether the environment asks for traces. An exporter that is
// not named is OTLP by the standard; here it must at least be told where to.
func wanted() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch os.Getenv("OTEL_TRACES_EXPORTER") {
	case "none":
		return false
	case "":
		return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	}
	return true
}

// closeTime is how long a collector may take for the last spans: what a node
// may take to leave is 10 s, of which requests have 8.
const closeTime = 2 * time.Second

// Close exports what is left.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces are not exported", "error", err)
	}
}

// Begin implements server.Tracer. A call from anywhere begins a trace of its
// own, linked to the one that it names: joining it would let whoever writes the
// header decide what is recorded, by its flag or by a number that the sampler
// likes.
func (t *Traces) Begin(r *http.Request, route string) (context.Context, func(status int, about session.Event)) {
	ctx := r.Context()
	method := knownMethod(r.Method)
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)),
	}
	if caller := named(r.Header.Get("traceparent")); caller.IsValid() {
		if t.trusting {
			ctx = trace.ContextWithRemoteSpanContext(ctx, caller)
		} else {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: caller}))
		}
	}
	ctx, span := t.tracer.Start(ctx, strings.TrimSpace(method+" "+route), options...)
	return ctx, func(status int, about session.Event) { end(span, status, about) }
}

// knownMethod is a method as the semantic conventions have it: what is not
// known is a client's invention.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, http.MethodPut, http.MethodDelete, http.MethodPatch:
		return method
	}
	return "_OTHER"
}

func end(span trace.Span, status int, about session.Event) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if about.Reason != "" {
		span.SetAttributes(attribute.String("error.type", about.Reason))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, about.Reason)
	}
	if about.Pool != "" {
		span.SetAttributes(attribute.String("scanlogin.pool", about.Pool))
	}
	if about.Code.ID == "" {
		return
	}
	span.SetAttributes(attribute.String("scanlogin.code", hash(about.Code.ID)))
	if made := named(about.Code.Trace); made.IsValid() && made.SpanID() != span.SpanContext().SpanID() {
		span.AddLink(trace.Link{SpanContext: made})
	}
}

// hash is what traces say of a code, from which nobody gets to one of 178 random
// bits. Who has the code finds its calls: printf %s "$random" | sha256sum.
func hash(id session.ID) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// named reads a traceparent, and leaves the text beside it (tracestate) where
// it is.
func named(traceparent string) trace.SpanContext {
	if traceparent == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	return trace.SpanContextFromContext(ctx)
}

// Name implements server.Tracer, by the traceparent.
func (t *Traces) Name(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := make(propagation.MapCarrier, 1)
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}
