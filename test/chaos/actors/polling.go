package actors

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

func (a answer) into(v any) bool { return json.Unmarshal(a.data, v) == nil }

func (b *browser) proof() http.Header { return http.Header{"X-Browser-Key": {b.now().key}} }

// final reports whether a page stops following its code after this event.
func final(event string) bool {
	return event == "confirmed" || event == "canceled" || event == "expired"
}

// poll calls check on one node until that fails or the code has ended.
func (b *browser) poll(ctx context.Context, node int) ending {
	for {
		if e := b.checkOnce(ctx, "", request{node: node}); e != soon {
			return e
		}
		if !pause(ctx, b.rnd, pollEvery/2, pollEvery) {
			return stop
		}
	}
}

// waitSeconds is the highest value of wait that docs/api.md allows. The answer may
// take that long in addition to callTime.
const waitSeconds = 25

// longPoll calls check with wait on one node.
func (b *browser) longPoll(ctx context.Context, node int) ending {
	for {
		more := fmt.Sprintf("&wait=%d&version=%d", waitSeconds, b.now().ver)
		if e := b.checkOnce(ctx, more, request{node: node, within: waitSeconds*time.Second + callTime}); e != soon {
			return e
		}
		// A node that is shutting down answers at once.
		if !pause(ctx, b.rnd, 0, 50*time.Millisecond) {
			return stop
		}
	}
}

// checkOnce calls check once. It returns soon if the call was answered and the code
// has not ended.
func (b *browser) checkOnce(ctx context.Context, more string, q request) ending {
	q.header, q.proven = b.proof(), true
	code, st := b.w.check(ctx, b.who, b.now().code, more, q)
	switch {
	case code == history.OK:
		b.take(st)
		if final(st.Event) {
			return stop
		}
		return soon
	case unsettled(code):
		return slower
	}
	return stop // the code is unknown
}

// stream reads server-sent events from one node.
func (b *browser) stream(ctx context.Context, node int) ending {
	code := b.now().code
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.w.Nodes[node]+api+"events?random="+url.QueryEscape(code), nil)
	if err != nil {
		return stop
	}
	r.Header = b.proof()
	r.Header.Set("X-Forwarded-For", address())
	if v := b.now().ver; v > 0 {
		r.Header.Set("Last-Event-ID", fmt.Sprint(v))
	}
	conn, dialed := b.w.conns.Add(1), b.w.Log.Now()
	response, err := b.w.Client.Do(r)
	if err != nil {
		return slower
	}
	defer response.Body.Close()
	b.note(history.Event{Do: history.Connect, Code: code, Node: node, Conn: conn, Call: dialed, HTTP: response.StatusCode})
	switch {
	case response.StatusCode == http.StatusNoContent || response.StatusCode == http.StatusNotFound:
		return stop
	case response.StatusCode != http.StatusOK:
		return slower
	}
	return b.readEvents(ctx, response, node, conn)
}

func (b *browser) readEvents(ctx context.Context, response *http.Response, node int, conn int64) ending {
	told := false // to reconnect
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		text, isData := strings.CutPrefix(lines.Text(), "data:")
		told = told || strings.HasPrefix(lines.Text(), "retry:")
		var st status
		if !isData || json.Unmarshal([]byte(text), &st) != nil {
			continue
		}
		b.note(history.Event{Do: history.Push, Code: st.Random, Node: node, Conn: conn, Proven: true, Seen: st.seen()})
		b.take(st)
		if final(st.Event) {
			return stop
		}
	}
	closed := history.Event{Do: history.Close, Code: b.now().code, Node: node, Conn: conn, Answer: history.None}
	switch {
	case ctx.Err() != nil:
		closed.Answer = history.Ended
	case told:
		closed.Answer = restart
	}
	b.note(closed)
	if told {
		return soon
	}
	return slower
}
