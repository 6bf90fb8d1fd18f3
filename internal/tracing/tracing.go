// Package tracing traces requests with OpenTelemetry. The standard environment variables
// configure it (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER, OTEL_TRACES_SAMPLER,
// OTEL_SERVICE_NAME and others).
//
// It guarantees that tracing is off, and costs nothing, unless they enable it; that no span
// contains client data (token, ticket, key, address, query, header), and of a code only a
// hash that connects its requests but does not reveal the code; and that no client decides
// what is recorded, unless the operator trusts the traceparent header.
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

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/scanlogin/scanlogin/session"
)

// Traces traces the requests of a node. It implements server.Tracer. A nil *Traces can be
// closed.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	trusting bool
	log      *slog.Logger
}

// Open starts tracing if the environment enables it, otherwise it returns nil. With trust,
// requests join the trace in their traceparent. Errors of OpenTelemetry go to log; if Open is
// called several times in a process, to the last one.
func Open(ctx context.Context, trust bool, log *slog.Logger) (*Traces, error) {
	if !enabled() {
		return nil, nil
	}
	exporter, err := newExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "scanlogin")),
		resource.WithFromEnv()) // overrides; no process attributes, because arguments may be secret
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces not exported", "error", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Traces{provider: provider, tracer: provider.Tracer("github.com/scanlogin/scanlogin"), trusting: trust, log: log}, nil
}

// enabled reports whether the environment enables tracing. By the standard the default exporter
// is OTLP; here an endpoint must be set for it.
func enabled() bool {
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

// closeTimeout bounds the export of the last spans. A node has 10 s to shut down, of which
// requests have 8.
const closeTimeout = 2 * time.Second

// Close exports the remaining spans.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("last traces not exported", "error", err)
	}
}

// Begin implements server.Tracer. A request starts a new trace that is linked to the one in
// its traceparent. Joining that trace would let any client decide what is recorded, by the
// sampled flag or by choosing a trace id.
func (t *Traces) Begin(r *http.Request, route string) (context.Context, func(status int, about session.Event)) {
	ctx := r.Context()
	method := knownMethod(r.Method)
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)),
	}
	if caller := parseTraceparent(r.Header.Get("traceparent")); caller.IsValid() {
		if t.trusting {
			ctx = trace.ContextWithRemoteSpanContext(ctx, caller)
		} else {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: caller}))
		}
	}
	ctx, span := t.tracer.Start(ctx, strings.TrimSpace(method+" "+route), options...)
	return ctx, func(status int, about session.Event) { end(span, status, about) }
}

// knownMethod returns a method as defined by the semantic conventions: "_OTHER" if it is not
// a known one.
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
	if made := parseTraceparent(about.Code.Trace); made.IsValid() && made.SpanID() != span.SpanContext().SpanID() {
		span.AddLink(trace.Link{SpanContext: made})
	}
}

// hash returns the hash of a code's id that spans contain. It does not reveal the id, which has
// 178 random bits. To find the requests of a code: printf %s "$random" | sha256sum.
func hash(id session.ID) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// parseTraceparent parses a traceparent. It ignores tracestate.
func parseTraceparent(traceparent string) trace.SpanContext {
	if traceparent == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	return trace.SpanContextFromContext(ctx)
}

// Name implements server.Tracer. The name is the traceparent.
func (t *Traces) Name(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := make(propagation.MapCarrier, 1)
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}
