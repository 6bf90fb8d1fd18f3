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

// Nobody does anything for longer than a balancer bears silence: what the
// nodes say by themselves (a ping after 25 s, a comment after 15) keeps page and
// stream, and a check that waits is answered. The bounds are half the files', so
// that this takes half a minute; they are the tighter for it.
func TestWhoWaitsOutlivesTheBalancersPatience(t *testing.T) {
	const bound, silence = "31s", 35 * time.Second
	var silent []*waiting // all at once
	for _, kind := range []balancerKind{nginx, haproxy, caddy} {
		silent = append(silent, newSite(t, kind.after(bound)).wait(t))
	}
	<-time.After(silence) // the promise is about this time
	for _, w := range silent {
		t.Run(w.site.kind.name, w.goesOn)
	}
}

// waiting is who waits for a code by each transport.
type waiting struct {
	site   *site
	random string
	page   *page
	stream <-chan string
	check  <-chan error // nil: after 25 s it was told that nothing happened
}

func (s *site) wait(t *testing.T) *waiting {
	t.Helper()
	page := s.open(t)
	random := page.next(t, "code").Random
	page.next(t, "waiting")
	w := &waiting{site: s, random: random, page: page, stream: s.stream(t, random), check: s.check(t, random)}
	w.streams(t, "waiting")
	return w
}

func (w *waiting) goesOn(t *testing.T) {
	if err := <-w.check; err != nil {
		t.Errorf("a check that waits: %v", err)
	}
	w.site.step(t, "scanned", w.random, "alice")
	w.page.next(t, "scanned")
	w.streams(t, "scanned")
}

// streams waits for the next event of the stream.
func (w *waiting) streams(t *testing.T, want string) {
	t.Helper()
	select {
	case event := <-w.stream:
		if event != want {
			t.Errorf("the stream says %q instead of %q", event, want)
		}
	case <-time.After(patience):
		t.Errorf("the stream does not say %q", want)
	}
}

// That the bounds above do bound is shown by shorter ones.
func TestBoundsBelowThePingsCutPagesOff(t *testing.T) {
	for _, kind := range []balancerKind{nginx, haproxy} { // Caddy has none for pages
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, kind.after("2s"))
			page := s.open(t)
			page.next(t, "code")
			page.next(t, "waiting")
			if status := page.end(t); status == websocket.StatusNormalClosure {
				t.Errorf("closed with %v", status)
			}
		})
	}
}

// get has the browser ask until the end of the test, or for two minutes.
func (s *site) get(t *testing.T, path string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.balancerAddr+api+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Origin", origin)
	return s.browser.Transport.RoundTrip(req)
}

// check asks for the next status of a code of which there is none.
func (s *site) check(t *testing.T, random string) <-chan error {
	result := make(chan error, 1)
	began := time.Now()
	go func() {
		resp, err := s.get(t, "/check?wait=25&random="+random)
		if err != nil {
			result <- err
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if took := time.Since(began); err == nil && (took < 24*time.Second || !bytes.Contains(text, []byte(`"event":"waiting"`))) {
			err = fmt.Errorf("%s after %v", text, took)
		}
		result <- err
	}()
	return result
}

// stream follows a code by server-sent events, and returns them; it is closed
// at the stream's end.
func (s *site) stream(t *testing.T, random string) <-chan string {
	t.Helper()
	resp, err := s.get(t, "/events?random="+random)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("events: %s", resp.Status)
	}
	events, done := make(chan string, 100), make(chan struct{}) // more than a story has
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
