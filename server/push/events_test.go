package push

import (
	"bufio"
	"context"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

func TestFinalVersionIsTheLastThatAPageNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		code session.Session
		want int64
	}{
		"waiting":            {session.Session{Status: session.Waiting, Version: 1}, math.MaxInt64},
		"scanned":            {session.Session{Status: session.Scanned, Version: 2}, math.MaxInt64},
		"confirmed":          {session.Session{Status: session.Confirmed, Version: 3, ConfirmedAt: time.Now()}, 3},
		"redeemed":           {session.Session{Status: session.Redeemed, Version: 4, ConfirmedAt: time.Now()}, 3},
		"ticket has expired": {session.Session{Status: session.Expired, Version: 4, ConfirmedAt: time.Now()}, 3},
		"canceled":           {session.Session{Status: session.Canceled, Version: 3}, 3},
		"expired":            {session.Session{Status: session.Expired, Version: 2}, 2},
	} {
		if got := finalVersion(test.code); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// TestEventStreamsHaveEachStateToTheFinalOne and do not begin again after it.
func TestEventStreamsHaveEachStateToTheFinalOne(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	got := make(chan string)
	go func() {
		_, text := n.get("/events?random=" + string(code.ID))
		got <- text
	}()
	eventually(t, "the stream waits", func() bool { return n.hub.Watches() == 1 })
	n.step(code.ID, session.Scan)
	n.step(code.ID, session.Cancel)
	text := <-got
	if !strings.HasPrefix(text, ": here\n\n") || !strings.Contains(text, "event: status\nid: 3\ndata: {") {
		t.Errorf("the stream has %q", text)
	}
	for last, want := range map[string]int{"3": http.StatusNoContent, "2": http.StatusOK, "x": http.StatusOK} {
		if status, text := n.get("/events?random="+string(code.ID), "Last-Event-ID", last); status != want || (text == "") != (want == http.StatusNoContent) {
			t.Errorf("after version %s: %d %q", last, status, text)
		}
	}
}

// TestEventsArriveWhileTheStreamIsOpen, also after a pause in which the stream has only a comment.
func TestEventsArriveWhileTheStreamIsOpen(t *testing.T) {
	t.Parallel() // the pause is commentInterval
	n := start(t, nil)
	code := n.create()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/events?random="+string(code.ID), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	await := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("the stream ends without %q: %v", want, lines.Err())
	}
	await("id: 1")
	n.step(code.ID, session.Scan)
	await("id: 2")
	await(": still here")
	n.step(code.ID, session.Cancel)
	await("id: 3")
}

// TestEventStreamsThatCannotContinueSayWhenToReconnect has a node stop, and a bus that has
// lost messages.
func TestEventStreamsThatCannotContinueSayWhenToReconnect(t *testing.T) {
	for name, end := range map[string]func(*node, session.ID){
		"stop": func(n *node, _ session.ID) { n.Stop() },
		"lost": func(n *node, id session.ID) { n.store.Deliver(session.Snapshot{ID: id}, session.ErrLost) },
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, nil)
			code := n.create()
			got := make(chan string)
			go func() {
				_, text := n.get("/events?random=" + string(code.ID))
				got <- text
			}()
			eventually(t, "the stream waits", func() bool { return n.hub.Watches() == 1 })
			end(n, code.ID)
			if text := <-got; !regexp.MustCompile(`\nretry: [0-9]{1,4}\n\n$`).MatchString(text) {
				t.Errorf("the stream has %q", text)
			}
		})
	}
}
