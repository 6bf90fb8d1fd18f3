package actors

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Close codes that decide what a page does next (docs/api.md).
const (
	restart   = 1012
	busy      = 1013
	notFound  = 4404
	exhausted = 4408
)

const subprotocol = "scanlogin.v1"

// socket connects one WebSocket to a node. It watches the page's code, or creates or
// resumes a code of its own.
func (b *browser) socket(ctx context.Context, node int) nextAction {
	query := url.Values{}
	if code := b.now().code; code != "" {
		query.Set("random", code)
	}
	if b.transport == Open {
		query.Set("userPoolId", b.pool.ID)
	}
	b.client.nameIn(query)
	k, err := b.env.dial(ctx, node, query, b.now().key, b.client.header())
	if err != nil {
		return backoff
	}
	defer k.conn.CloseNow()
	b.record(history.Event{Action: history.Connect, Code: b.now().code, Node: node, Conn: k.number, Call: k.dialed})
	ctx, cancel := context.WithCancel(ctx)
	var person sync.WaitGroup
	defer person.Wait()
	defer cancel()
	person.Go(func() { b.refreshOn(ctx, k) })
	return b.follow(ctx, k)
}

// socketConn is a connection to a node.
type socketConn struct {
	conn   *websocket.Conn
	node   int
	number int64
	dialed time.Duration

	refreshed atomic.Bool // the page requested another code
}

func (env *Environment) dial(ctx context.Context, node int, query url.Values, key string, header http.Header) (*socketConn, error) {
	k := &socketConn{node: node, number: env.conns.Add(1), dialed: env.Log.Now()}
	offers := []string{subprotocol}
	if key != "" {
		offers = append(offers, "key."+key)
	}
	header.Set("X-Forwarded-For", randomAddress())
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var err error
	k.conn, _, err = websocket.Dial(ctx, "ws"+strings.TrimPrefix(env.Nodes[node], "http")+api+"ws?"+query.Encode(), &websocket.DialOptions{
		Subprotocols: offers, HTTPHeader: header,
	})
	return k, err
}

// next reads a message, or returns the close code: history.None without a close
// frame, history.Ended if ctx ended.
func (k *socketConn) next(ctx context.Context) (st status, closed int, ok bool) {
	_, text, err := k.conn.Read(ctx)
	if err == nil && json.Unmarshal(text, &st) == nil {
		return st, 0, true
	}
	if ctx.Err() != nil {
		return st, history.Ended, false
	}
	return st, max(int(websocket.CloseStatus(err)), history.None), false
}

// follow reads messages until the socket is closed.
func (b *browser) follow(ctx context.Context, k *socketConn) nextAction {
	last := k.dialed // when the previous message arrived: the next code is not older
	for {
		st, closed, ok := k.next(ctx)
		now := b.env.Log.Now()
		if !ok {
			b.record(history.Event{Action: history.Close, Code: b.now().code, Node: k.node, Conn: k.number, Answer: closed})
			return afterClose(closed)
		}
		if st.Event == "code" {
			if k.refreshed.Swap(false) {
				b.recordPossibleWithdrawals(k, last, b.now().code, st.Random)
			}
			b.record(b.created(history.Event{Action: history.Gene, Node: k.node, Conn: k.number, Call: last, Return: now, Answer: history.OK}, st.Random))
			b.showCode(st.Random, st.BrowserKey, k.node)
			st.Event = "waiting" // the message is the code's first status, too
		}
		b.record(history.Event{Action: history.Push, Code: st.Random, Node: k.node, Conn: k.number, Proven: true, State: st.state()})
		b.update(st)
		last = now
	}
}

// recordPossibleWithdrawals records that a refresh may have withdrawn another code than
// the one shown when it was sent, because the message names no code: a code that
// replaced it in the meantime, or the next code, if that is not the answer.
func (b *browser) recordPossibleWithdrawals(k *socketConn, since time.Duration, codes ...string) {
	for _, code := range codes {
		b.record(history.Event{Action: history.Withdraw, Code: code, Node: k.node, Conn: k.number, Call: since, Answer: history.None})
	}
}

func afterClose(code int) nextAction {
	switch code {
	case restart:
		return soon
	case busy, history.None:
		return backoff
	}
	return stop
}

// refreshOn sends a refresh when the scenario requests it.
func (b *browser) refreshOn(ctx context.Context, k *socketConn) {
	select {
	case <-ctx.Done():
	case <-b.refresh:
		k.refreshed.Store(true)
		b.record(history.Event{Action: history.Withdraw, Code: b.now().code, Node: k.node, Conn: k.number, Answer: history.None})
		_ = k.conn.Write(ctx, websocket.MessageText, []byte(`{"action":"refresh"}`)) // follow notices a broken socket
	}
}
