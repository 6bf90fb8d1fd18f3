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

func (a answer) decode(v any) bool { return json.Unmarshal(a.data, v) == nil }

func (b *browser) proof() http.Header {
	header := b.client.header()
	header.Set("X-Browser-Key", b.now().key)
	return header
}

// final reports whether a page stops following its code after this event.
func final(event string) bool {
	return event == "confirmed" || event == "canceled" || event == "expired"
}

// poll calls check on one node until that fails or the code has ended.
func (b *browser) poll(ctx context.Context, node int) nextAction {
	for {
		if e := b.checkOnce(ctx, "", request{node: node}); e != soon {
			return e
		}
		if !pause(ctx, b.rnd, pollInterval/2, pollInterval) {
			return stop
		}
	}
}

// waitSeconds is the highest value of wait that docs/api.md allows. The answer may
// take that long in addition to callTime.
const waitSeconds = 25

// longPoll calls check with wait on one node.
func (b *browser) longPoll(ctx context.Context, node int) nextAction {
	for {
		more := fmt.Sprintf("&wait=%d&version=%d", waitSeconds, b.now().version)
		if e := b.checkOnce(ctx, more, request{node: node, timeout: waitSeconds*time.Second + callTime}); e != soon {
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
func (b *browser) checkOnce(ctx context.Context, more string, q request) nextAction {
	q.header, q.proven, q.request = b.proof(), true, b.client.state()
	if b.client != nil {
		more += "&request=" + url.QueryEscape(b.client.asked.id)
	}
	code, st := b.env.check(ctx, b.name, b.now().code, more, q)
	switch {
	case code == history.OK:
		b.update(st)
		if final(st.Event) {
			return stop
		}
		return soon
	case isRetryable(code):
		return backoff
	}
	return stop // the code is unknown
}

// stream reads server-sent events from one node.
func (b *browser) stream(ctx context.Context, node int) nextAction {
	code := b.now().code
	query := url.Values{"random": {code}}
	b.client.nameIn(query)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.env.Nodes[node]+api+"events?"+query.Encode(), nil)
	if err != nil {
		return stop
	}
	r.Header = b.proof()
	r.Header.Set("X-Forwarded-For", randomAddress())
	if v := b.now().version; v > 0 {
		r.Header.Set("Last-Event-ID", fmt.Sprint(v))
	}
	conn, dialed := b.env.conns.Add(1), b.env.Log.Now()
	response, err := b.env.Client.Do(r)
	if err != nil {
		return backoff
	}
	defer response.Body.Close()
	b.record(history.Event{Action: history.Connect, Code: code, Node: node, Conn: conn, Call: dialed, HTTP: response.StatusCode})
	switch {
	case response.StatusCode == http.StatusNoContent || response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusBadRequest:
		return stop
	case response.StatusCode != http.StatusOK:
		return backoff
	}
	return b.readEvents(ctx, response, node, conn)
}

func (b *browser) readEvents(ctx context.Context, response *http.Response, node int, conn int64) nextAction {
	toldToReconnect := false // to reconnect
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		text, isData := strings.CutPrefix(lines.Text(), "data:")
		toldToReconnect = toldToReconnect || strings.HasPrefix(lines.Text(), "retry:")
		var st status
		if !isData || json.Unmarshal([]byte(text), &st) != nil {
			continue
		}
		b.record(history.Event{Action: history.Push, Code: st.Random, Node: node, Conn: conn, Proven: true, State: st.state()})
		b.update(st)
		if final(st.Event) {
			return stop
		}
	}
	closed := history.Event{Action: history.Close, Code: b.now().code, Node: node, Conn: conn, Answer: history.None}
	switch {
	case ctx.Err() != nil:
		closed.Answer = history.Ended
	case toldToReconnect:
		closed.Answer = restart
	}
	b.record(closed)
	if toldToReconnect {
		return soon
	}
	return backoff
}
