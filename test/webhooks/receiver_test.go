package webhooks

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is a site's webhook receiver. It checks signatures with the library of
// the Standard Webhooks project, and fails and stalls on request.
type receiver struct {
	t        *testing.T
	address  string
	verifier *standardwebhooks.Webhook
	server   *http.Server
	serving  chan struct{} // closed when server has ended

	calls, failures, stalls, repeated atomic.Int64
	unreliable                        atomic.Bool // one call in four fails, one in thirty stalls

	mu     sync.Mutex
	bodies map[string]string          // by webhook-id
	codes  map[string]map[string]bool // event types received for each code
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{
		t: t, address: freeAddress(t), verifier: verifier,
		bodies: make(map[string]string), codes: make(map[string]map[string]bool),
	}
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *receiver) start() {
	server, serving, l := &http.Server{Handler: r}, make(chan struct{}), listen(r.t, r.address)
	r.server, r.serving = server, serving
	go func() { server.Serve(l); close(serving) }()
}

// stop closes all connections at once, also those with a request in progress.
func (r *receiver) stop() {
	r.server.Close()
	<-r.serving
}

// ServeHTTP implements http.Handler. Every message answered with 200 is recorded.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.calls.Add(1)
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sending node was killed
	}
	if err := r.verifier.Verify(body, req.Header); err != nil {
		r.t.Errorf("%v: %s", err, body)
	}
	if unreliable := r.unreliable.Load(); unreliable && rand.N(4) == 0 {
		r.failures.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
		return
	} else if unreliable && rand.N(30) == 0 {
		r.stalls.Add(1)
		<-req.Context().Done()
		return
	}
	r.record(req.Header.Get("webhook-id"), body)
}

func (r *receiver) record(id string, body []byte) {
	var m struct {
		Type string
		Data struct{ Pool, Random string }
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Data.Pool != poolID {
		r.t.Errorf("%v: %s", err, body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if before, known := r.bodies[id]; known {
		r.repeated.Add(1)
		if before != string(body) {
			r.t.Errorf("one webhook-id has two bodies:\n%s\n%s", before, body)
		}
		return
	}
	r.bodies[id] = string(body)
	if r.codes[m.Data.Random] == nil {
		r.codes[m.Data.Random] = make(map[string]bool)
	}
	event := strings.TrimPrefix(m.Type, "code.")
	if r.codes[m.Data.Random][event] {
		r.t.Errorf("event %s of code %s has two webhook-ids", event, m.Data.Random)
	}
	r.codes[m.Data.Random][event] = true
}

// events returns the sorted event types received for a code.
func (r *receiver) events(random string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var types []string
	for event := range r.codes[random] {
		types = append(types, event)
	}
	slices.Sort(types)
	return strings.Join(types, " ")
}

// allCodes returns the codes for which anything was received.
func (r *receiver) allCodes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var codes []string
	for random := range r.codes {
		codes = append(codes, random)
	}
	return codes
}
