package tracing_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/scanlogin/scanlogin/internal/tracing"
	"github.com/scanlogin/scanlogin/session"
)

const (
	patience   = 30 * time.Second
	maxExports = 1000 // more than fit into patience, so that receivers never block
)

// export traces requests until one is received. Close exports, but gives up after 2 s, which a
// busy machine may exceed.
func export(t *testing.T, received <-chan *collector.ExportTraceServiceRequest) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		traces, err := tracing.Open(t.Context(), false, slog.New(slog.DiscardHandler))
		if err != nil || traces == nil {
			t.Fatalf("%v, error %v", traces, err)
		}
		_, end := traces.Begin(httptest.NewRequest(http.MethodGet, "/check", nil), "/check")
		end(http.StatusOK, session.Event{})
		traces.Close()
		select {
		case in := <-received:
			if name := in.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName(); name != "GET /check" {
				t.Errorf("received %q", name)
			}
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("no span was received")
		}
	}
}

func TestSpansAreExportedOverHTTP(t *testing.T) {
	received := make(chan *collector.ExportTraceServiceRequest, maxExports)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := new(collector.ExportTraceServiceRequest)
		if body, err := io.ReadAll(r.Body); err == nil && proto.Unmarshal(body, in) == nil && r.Header.Get("X-Key") == "k" {
			received <- in
		}
	}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=k")
	export(t, received)
}

// traceService is a collector.
type traceService struct {
	collector.UnimplementedTraceServiceServer
	received chan *collector.ExportTraceServiceRequest
}

func (s *traceService) Export(_ context.Context, in *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.received <- in
	return new(collector.ExportTraceServiceResponse), nil
}

func TestSpansAreExportedOverGRPC(t *testing.T) {
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		t.Run(variable, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			service, server := &traceService{received: make(chan *collector.ExportTraceServiceRequest, maxExports)}, grpc.NewServer()
			collector.RegisterTraceServiceServer(server, service)
			done := make(chan error, 1)
			go func() { done <- server.Serve(listener) }()
			t.Cleanup(func() {
				server.Stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
			t.Setenv(variable, "grpc")
			t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://"+listener.Addr().String())
			export(t, service.received)
		})
	}
}

func TestUnknownExportersAreNamed(t *testing.T) {
	for variable, value := range map[string]string{
		"OTEL_TRACES_EXPORTER":               "zipkin",
		"OTEL_EXPORTER_OTLP_PROTOCOL":        "http/json",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "udp",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv(variable, value)
			if _, err := tracing.Open(t.Context(), false, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), variable) {
				t.Errorf("error %v", err)
			}
		})
	}
}
