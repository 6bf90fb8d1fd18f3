package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is a collector that keeps the spans that nodes export over HTTP.
type receiver struct {
	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*otlp.Span
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var in collector.ExportTraceServiceRequest
	if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &in) != nil {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw.Write(body)
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
}

// collect runs a receiver for the nodes of this test.
func collect(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", srv.URL)
	return r
}

// named returns the only span with that name.
func (r *receiver) named(t *testing.T, name string) *otlp.Span {
	t.Helper()
	var found []*otlp.Span
	for _, s := range r.spans {
		if s.GetName() == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans of %q in %v", len(found), name, r.spans)
	}
	return found[0]
}

func attributeOf(s *otlp.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// traceparent names a trace of a client, with the recorded flag.
const (
	callerTrace = "0af7651916cd43dd8448eb211c80319c"
	traceparent = "00-" + callerTrace + "-b7ad6b7169203331-01"
)

// tracedLogin runs a login on a node, each request with a traceparent and with a hostile
// value in each field that a client may set, and stops the node. It returns the code and the
// values that must not be in a span.
func tracedLogin(t *testing.T, settings string) (code string, secrets []string) {
	t.Helper()
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:0\n"+settings)
	node := start(t, "serve", "--config", file)
	base := "http://" + node.wait(t, `"listen":"([^"]+)"`) + "/api/v2/qrcode/"
	ask := func(method, call, body string) map[string]any {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, base+call, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", hostile)
		req.Header.Set("Traceparent", traceparent)
		req.Header.Set("Tracestate", "vendor=hostilestate")
		req.Header.Set("Baggage", "k=hostilebaggage")
		req.SetBasicAuth("demo", testSecret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for _, cookie := range resp.Cookies() {
			secrets = append(secrets, cookie.Value)
		}
		var answer struct{ Data map[string]any }
		decodeAnswer(t, resp.Body, &answer)
		return answer.Data
	}
	made := ask(http.MethodPost, "gene?q=hostilequery", `{"userPoolId":"demo"}`)
	code, _ = made["random"].(string)
	phone := `{"random":"` + code + `","user":{"id":"hostileuser"}}`
	ask(http.MethodPost, "scanned", phone)
	ask(http.MethodPost, "confirm", phone)
	ticket, _ := ask(http.MethodGet, "check?random="+code, "")["ticket"].(string)
	ask(http.MethodPost, "userinfo?ticket="+ticket, "")
	ask("HOSTILE", "gene", "")
	http.DefaultClient.CloseIdleConnections()
	if status := node.stop(); status != exitOK || ticket == "" {
		t.Fatalf("code %d, ticket %q: %s", status, ticket, node.text())
	}
	return code, append(secrets, code, ticket, made["browserKey"].(string), testSecret,
		base64.StdEncoding.EncodeToString([]byte("demo:"+testSecret)))
}

func TestTracesCoverALoginWithoutSecrets(t *testing.T) {
	r := collect(t)
	code, secrets := tracedLogin(t, "")
	made := r.named(t, "POST /api/v2/qrcode/gene")
	sum := sha256.Sum256([]byte(code))
	for call, operation := range map[string]string{"gene": "create", "scanned": "apply", "confirm": "apply", "userinfo": "apply"} {
		s := r.named(t, "POST /api/v2/qrcode/"+call)
		if got := attributeOf(s, "scanlogin.code"); got != hex.EncodeToString(sum[:16]) || attributeOf(s, "scanlogin.pool") != "demo" {
			t.Errorf("%s has code %q of pool %q", call, got, attributeOf(s, "scanlogin.pool"))
		}
		if got := attributeOf(s, "error.type"); got != "" {
			t.Errorf("%s has the error %q", call, got)
		}
		if hex.EncodeToString(s.GetTraceId()) == callerTrace || len(s.GetParentSpanId()) > 0 || !isLinked(s, callerTrace) {
			t.Errorf("%s joined the trace of a client, or is not linked to it: %v", call, s)
		}
		if call != "gene" && !isLinked(s, hex.EncodeToString(made.GetTraceId())) {
			t.Errorf("%s is not linked to the request that made the code", call)
		}
		if !slices.ContainsFunc(r.spans, func(below *otlp.Span) bool {
			return below.GetName() == "store "+operation && bytes.Equal(below.GetParentSpanId(), s.GetSpanId())
		}) {
			t.Errorf("%s has no %s below it", call, operation)
		}
	}
	if len(secrets) < 6 {
		t.Errorf("%d secrets to look for", len(secrets))
	}
	for _, secret := range append(secrets, "hostile", "HOSTILE", "127.0.0.1") {
		if bytes.Contains(r.raw.Bytes(), []byte(secret)) {
			t.Errorf("the traces contain %q", secret)
		}
	}
}

func isLinked(s *otlp.Span, traceID string) bool {
	return slices.ContainsFunc(s.GetLinks(), func(l *otlp.Span_Link) bool {
		return hex.EncodeToString(l.GetTraceId()) == traceID
	})
}

// TestClientsDecideAboutSamplingOnlyIfTrusted uses a sampler that records only
// requests whose caller records them.
func TestClientsDecideAboutSamplingOnlyIfTrusted(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
	r := collect(t)
	tracedLogin(t, "")
	if len(r.spans) > 0 {
		t.Errorf("%d spans were recorded for a client", len(r.spans))
	}
	tracedLogin(t, "trust_traceparent: true\n")
	if s := r.named(t, "POST /api/v2/qrcode/confirm"); hex.EncodeToString(s.GetTraceId()) != callerTrace || s.GetTraceState() != "" {
		t.Errorf("the trace of a trusted caller was not joined, or more than its ids was copied: %v", s)
	}
}

func TestTracingIsOffByDefault(t *testing.T) {
	for _, variables := range [][2]string{{"OTEL_TRACES_EXPORTER", "none"}, {"OTEL_SDK_DISABLED", "true"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", ""}} {
		t.Run(variables[0], func(t *testing.T) {
			r := collect(t)
			t.Setenv(variables[0], variables[1])
			tracedLogin(t, "")
			if len(r.spans) > 0 {
				t.Errorf("%d spans", len(r.spans))
			}
		})
	}
}

func TestUnknownTraceExporterIsRefused(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "nonsense")
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:0\n")
	if code, _, errOut := runCommand(t, "serve", "--config", file); code != exitFailure || !strings.Contains(errOut, "OTEL_TRACES_EXPORTER") {
		t.Errorf("code %d: %s", code, errOut)
	}
}
