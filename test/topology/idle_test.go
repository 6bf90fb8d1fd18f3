package topology

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Heartbeats (a WebSocket ping after 25 s, an SSE comment after 15 s) keep idle
// connections open behind a load balancer, and a long poll is answered. The idle
// timeouts are half of those in the files, so that the test takes half a minute;
// that makes it stricter.
func TestIdleConnectionsOutliveTheIdleTimeout(t *testing.T) {
	const idleTimeout, idleTime = "31s", 35 * time.Second
	var all []*idleClients // they wait at the same time
	for _, kind := range []balancerKind{nginx, haproxy, caddy} {
		all = append(all, newDeployment(t, kind.withIdleTimeout(idleTimeout)).startIdle(t))
	}
	<-time.After(idleTime) // the guarantee is about this time
	for _, c := range all {
		t.Run(c.kind.name, c.expectNextStep)
	}
}

// idleClients follow one code over every transport.
type idleClients struct {
	*deployment
	random string
	page   *page
	events <-chan string // of the event stream
	poll   <-chan error  // nil: the long poll answered after 25 s that nothing had changed
}

func (d *deployment) startIdle(t *testing.T) *idleClients {
	t.Helper()
	page := d.open(t)
	random := page.next(t, "code").Random
	c := &idleClients{deployment: d, random: random, page: page, events: d.stream(t, random), poll: d.longPoll(t, random)}
	c.expectEvent(t, "waiting")
	return c
}

// expectNextStep checks that every transport is answered after the idle time.
func (c *idleClients) expectNextStep(t *testing.T) {
	if err := <-c.poll; err != nil {
		t.Errorf("long poll: %v", err)
	}
	c.step(t, "scanned", c.random, "alice")
	c.page.next(t, "scanned")
	c.expectEvent(t, "scanned")
}

// expectEvent waits for the next event of the stream.
func (c *idleClients) expectEvent(t *testing.T, want string) {
	t.Helper()
	select {
	case event := <-c.events:
		if event != want {
			t.Errorf("the stream sent %q, want %q", event, want)
		}
	case <-time.After(timeout):
		t.Errorf("the stream did not send %q within %v", want, timeout)
	}
}

// Shorter timeouts show that the replaced settings are the ones that apply.
func TestIdleTimeoutBelowThePingIntervalCutsPages(t *testing.T) {
	for _, kind := range []balancerKind{nginx, haproxy} { // Caddy has no timeout for upgraded connections
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t, kind.withIdleTimeout("2s"))
			page := d.open(t)
			page.next(t, "code")
			if status := page.closeStatus(t); status == websocket.StatusNormalClosure {
				t.Errorf("closed with %v", status)
			}
		})
	}
}

// get sends a GET request from the browser, which ends with the test or after
// two minutes.
func (d *deployment) get(t *testing.T, path string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*timeout)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.balancerAddr+api+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Origin", origin)
	return d.browser.Transport.RoundTrip(req)
}

// longPoll requests the next status of a code that does not change.
func (d *deployment) longPoll(t *testing.T, random string) <-chan error {
	result := make(chan error, 1)
	began := time.Now()
	go func() {
		resp, err := d.get(t, "/check?wait=25&random="+random)
		if err != nil {
			result <- err
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if took := time.Since(began); err == nil && (took < 24*time.Second || !bytes.Contains(text, []byte(`"event":"waiting"`))) {
			err = fmt.Errorf("%s withIdleTimeout %v", text, took)
		}
		result <- err
	}()
	return result
}

// stream follows a code by server-sent events and returns the events. The
// channel is closed when the stream ends.
func (d *deployment) stream(t *testing.T, random string) <-chan string {
	t.Helper()
	resp, err := d.get(t, "/events?random="+random)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("events: %s", resp.Status)
	}
	events, done := make(chan string, 100), make(chan struct{}) // more than the test receives
	go func() {
		defer close(done)
		defer close(events)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			text, ok := strings.CutPrefix(lines.Text(), "data: ")
			var m message
			if ok && json.Unmarshal([]byte(text), &m) == nil {
				events <- m.Event
			}
		}
	}()
	t.Cleanup(func() {
		resp.Body.Close()
		<-done
	})
	return events
}
