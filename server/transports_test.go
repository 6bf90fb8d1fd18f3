package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// stateReader reads the states of a code over one transport; next returns the next newer
// state.
type stateReader interface {
	next(t testing.TB) map[string]any
}

// transports are the four ways to follow a code.
var transports = map[string]func(t testing.TB, n *node, c code) stateReader{
	"WebSocket": func(t testing.TB, n *node, c code) stateReader {
		on := *n
		on.TB = t
		return socketReader{on.dial("random="+c.random, nil, "key."+c.key)}
	},
	"event stream": func(t testing.TB, n *node, c code) stateReader {
		return n.stream(t, c, "")
	},
	"check that waits": func(_ testing.TB, n *node, c code) stateReader {
		return &checkReader{node: n, code: c, wait: 20}
	},
	"check": func(_ testing.TB, n *node, c code) stateReader {
		return &checkReader{node: n, code: c}
	},
}

type socketReader struct{ *page }

func (l socketReader) next(testing.TB) map[string]any { return l.page.next() }

type checkReader struct {
	*node
	code
	wait    int
	version float64
}

func (l *checkReader) next(t testing.TB) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		path := fmt.Sprintf("/check?random=%s&version=%d&wait=%d", l.random, int(l.version), l.wait)
		d := l.node.call("GET", path, nil, "X-Browser-Key", l.key).ok()
		if v := d["version"].(float64); v > l.version {
			l.version = v
			return d
		}
		if l.wait == 0 {
			time.Sleep(250 * time.Millisecond) // polling without wait
		}
	}
	t.Fatal("there was no newer state")
	return nil
}

// streamReader reads an event stream.
type streamReader struct {
	lines *bufio.Scanner
	id    string
	retry string
}

func (n *node) stream(t testing.TB, c code, lastID string) *streamReader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	req, _ := http.NewRequestWithContext(ctx, "GET", n.url+"/api/v2/qrcode/events?random="+c.random, nil)
	req.Header.Set("X-Browser-Key", c.key)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	if res.StatusCode == http.StatusNoContent {
		return nil
	}
	if res.Header.Get("Content-Type") != "text/event-stream" || res.StatusCode != 200 {
		t.Fatalf("stream: %v", res)
	}
	return &streamReader{lines: bufio.NewScanner(res.Body)}
}

func (l *streamReader) next(t testing.TB) map[string]any {
	t.Helper()
	if m := l.event(t); m != nil {
		return m
	}
	t.Fatal("the stream ended")
	return nil
}

// event returns the next event, nil at the end of the stream.
func (l *streamReader) event(t testing.TB) (m map[string]any) {
	t.Helper()
	event := ""
	for l.lines.Scan() {
		switch name, value, _ := strings.Cut(l.lines.Text(), ": "); name {
		case "event":
			event = value
		case "id":
			l.id = value
		case "retry":
			l.retry = value
		case "data":
			validator.message(t, []byte(value))
			if err := json.Unmarshal([]byte(value), &m); err != nil {
				t.Fatal(err)
			}
		case "":
			if m != nil && event == "status" && l.id == strconv.Itoa(int(m["version"].(float64))) {
				return m
			}
		}
	}
	return nil
}

// TestAllTransportsReportTheSameStates runs each login over each transport, with the
// page on one node and the phone on the other.
func TestAllTransportsReportTheSameStates(t *testing.T) {
	t.Parallel()
	a, b, _ := pair(t, nil, newPool(t, nil), newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs, p.CodeTTL = "short", nil, 5*time.Second }))
	for name, open := range transports {
		for story, steps := range map[string][]string{
			"confirmed": {"scanned", "confirm"}, "canceled": {"scanned", "cancel"}, "expired": nil,
		} {
			t.Run(name+"/"+story, func(t *testing.T) {
				t.Parallel()
				poolID := "p1"
				if story == "expired" {
					poolID = "short"
				}
				c := a.gene(poolID)
				l := open(t, b, c)
				first := l.next(t)
				if first["event"] != "waiting" || first["isBrowser"] != true {
					t.Fatalf("first: %v", first)
				}
				last := first
				for _, step := range steps {
					a.phone(step, c.random, "u-"+name+story).ok() // one user would cancel too often
					last = l.next(t)
				}
				if story == "expired" {
					last = l.next(t)
				}
				if last["event"] != story || (last["ticket"] != nil) != (story == "confirmed") {
					t.Errorf("last: %v", last)
				}
				if got := a.check(c); got["version"] != last["version"] || got["event"] != last["event"] {
					t.Errorf("the page has %v, the store %v", last, got)
				}
			})
		}
	}
}

// TestAPageMaySwitchBetweenTransports changes the transport at each step.
func TestAPageMaySwitchBetweenTransports(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for first, openFirst := range transports {
		for second, openSecond := range transports {
			c := n.gene("p1")
			if m := openFirst(t, n, c).next(t); m["event"] != "waiting" {
				t.Errorf("%s: %v", first, m)
			}
			n.phone("scanned", c.random, "u-"+first+second).ok()
			if m := openSecond(t, n, c).next(t); m["event"] != "scanned" || m["version"] != 2.0 {
				t.Errorf("%s after %s: %v", second, first, m)
			}
			n.phone("confirm", c.random, "u-"+first+second).ok()
			if m := openFirst(t, n, c).next(t); m["event"] != "confirmed" || m["ticket"] == nil {
				t.Errorf("%s after %s: %v", first, second, m)
			}
		}
	}
}

func TestAnEventStreamIsNotReopenedAfterTheFinalState(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c, _ := n.confirmed("p1")
	l := n.stream(t, c, "1")
	if m := l.next(t); m["event"] != "confirmed" {
		t.Errorf("what was missed: %v", m)
	}
	if m := l.event(t); m != nil {
		t.Errorf("after the end: %v", m)
	}
	if again := n.stream(t, c, l.id); again != nil {
		t.Error("the stream was opened again after the final state")
	}
}

func TestWaitingRequestsEndAtShutdown(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	l := n.stream(t, c, "")
	l.next(t)
	got := make(chan map[string]any, 1)
	go func() { got <- n.call("GET", "/check?wait=25&random="+c.random, nil).data }()
	eventually(t, "both wait", func() bool { return n.hub.Watches() == 2 })
	go func() { _ = n.stop() }()
	if m := l.event(t); m != nil {
		t.Errorf("a node that stops sends %v", m)
	}
	if ms, err := strconv.Atoi(l.retry); err != nil || ms < 0 || ms > 5000 {
		t.Errorf("retry: %q", l.retry)
	}
	select {
	case d := <-got:
		if d["event"] != "waiting" {
			t.Errorf("the check that waited: %v", d)
		}
	case <-time.After(20 * time.Second):
		t.Error("a check still waits after its node stopped")
	}
}

func TestWaitAndVersionAreValidated(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, query := range []string{"wait=x", "wait=-1", "wait=NaN", "wait=1&version=x"} {
		n.call("GET", "/check?random="+c.random+"&"+query, nil).refused(400, 2231)
	}
	began := time.Now()
	if d := n.call("GET", "/check?wait=0.3&random="+c.random, nil).ok(); d["event"] != "waiting" || time.Since(began) < 300*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(began), d)
	}
	if d := n.call("GET", "/check?wait=25&version=0&random="+c.random, nil).ok(); d["version"] != 1.0 {
		t.Errorf("a newer state existed: %v", d)
	}
	if n.hub.Watches() != 0 {
		t.Error("a watcher was not removed")
	}
}

func TestLongPollsReturnAtTheNextStep(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if d := n.call("GET", "/check?wait=25&version=1&random="+c.random, nil, "X-Browser-Key", c.key).ok(); d["event"] != "scanned" {
				t.Errorf("woken by %v", d)
			}
		})
	}
	eventually(t, "all wait", func() bool { return n.hub.Watches() == 5 })
	n.phone("scanned", c.random, "alice").ok()
	wg.Wait()
	n.call("GET", "/events?random="+string(session.NewID()), nil).refused(404, 2241)
	n.call("GET", "/events?random="+c.random, nil, "Origin", otherOrigin).refused(403, 2247)
}
