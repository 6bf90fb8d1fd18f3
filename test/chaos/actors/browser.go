package actors

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Transport is how a page receives the state of its code.
type Transport string

const (
	Open     Transport = "ws open"   // a socket that creates its own codes
	Watch    Transport = "ws watch"  // gene, then a socket
	Events   Transport = "sse"       // gene, then server-sent events
	LongPoll Transport = "long poll" // gene, then check with wait
	Poll     Transport = "poll"      // gene, then check repeatedly
)

// pollInterval is how often a polling page calls check.
const pollInterval = 700 * time.Millisecond

// browser is a page. Its goroutine executes run; others read its state with now.
type browser struct {
	env       *Environment
	rnd       *rand.Rand
	name      string
	transport Transport
	pool      Pool
	client    *client // whose authorization request the page is for; nil if it is for none

	refresh chan struct{} // makes the page request another code (ws open)

	mu    sync.Mutex
	shown page
}

// page is the state of a page.
type page struct {
	code    string
	key     string // the browser key
	status  string // the last status; "" before the first
	version int64
	ticket  string
	grant   grant // the authorization code in the redirect to the client
	over    bool  // the page expects no more messages
}

func (b *browser) now() page {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown
}

// await waits until the page has a state, and reports whether it has.
func (b *browser) await(ctx context.Context, atMost time.Duration, wanted func(page) bool) (page, bool) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		if p := b.now(); wanted(p) {
			return p, true
		}
		select {
		case <-ctx.Done():
			return b.now(), false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// showCode makes the page show a new code.
func (b *browser) showCode(code, key string, node int) {
	b.leave()
	b.mu.Lock()
	b.shown = page{code: code, key: key}
	b.mu.Unlock()
	b.record(history.Event{Action: history.Show, Code: code, Node: node, Transport: string(b.transport)})
}

// leave makes the page stop showing its code.
func (b *browser) leave() {
	b.mu.Lock()
	code, over := b.shown.code, b.shown.over
	b.shown.over = true
	b.mu.Unlock()
	if code != "" && !over {
		b.record(history.Event{Action: history.Leave, Code: code})
	}
}

func (b *browser) record(e history.Event) {
	e.Actor, e.Request = b.name, b.client.state()
	if e.Return == 0 {
		e.Return = b.env.Log.Now()
	}
	if e.Call == 0 {
		e.Call = e.Return
	}
	b.env.Log.Add(e)
}

// update shows a status.
func (b *browser) update(s status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown.code != s.Random {
		return
	}
	b.shown.status, b.shown.version = s.Event, s.Version
	if s.Ticket != nil {
		b.shown.ticket = *s.Ticket
	}
	if code := s.Redirect["code"]; code != "" {
		b.shown.grant = grant(code)
	}
}

// nextAction is what a page does after a connection, or an attempt to connect.
type nextAction int

const (
	stop    nextAction = iota // nothing: the code has ended
	soon                      // reconnect after a short random delay
	backoff                   // reconnect with a growing delay
)

// run keeps the page connected until its code has ended or ctx ends.
func (b *browser) run(ctx context.Context) {
	defer b.leave()
	if b.client != nil && !b.client.begin(ctx, b.rnd, b.name) {
		return
	}
	if b.transport != Open && !b.gene(ctx) {
		return
	}
	connect := map[Transport]func(context.Context, int) nextAction{
		Open: b.socket, Watch: b.socket, Events: b.stream, LongPoll: b.longPoll, Poll: b.poll,
	}[b.transport]
	for grown := 100 * time.Millisecond; ctx.Err() == nil; {
		began := time.Now()
		switch connect(ctx, b.env.randomNode(b.rnd)) {
		case stop:
			return
		case soon: // docs/api.md: 0 to 5 s
			pause(ctx, b.rnd, 0, 500*time.Millisecond)
			continue
		}
		if time.Since(began) > 5*time.Second {
			grown = 100 * time.Millisecond
		}
		pause(ctx, b.rnd, grown/2, grown)
		grown = min(2*grown, 1600*time.Millisecond)
	}
}

// gene creates the page's code.
func (b *browser) gene(ctx context.Context) bool {
	return retry(ctx, b.rnd, func() int {
		body := map[string]any{"userPoolId": b.pool.ID}
		if b.client != nil {
			body["request"] = b.client.asked.id
		}
		a, e := b.env.call(ctx, history.Gene, b.name, request{node: b.env.randomNode(b.rnd), path: "gene", body: body, header: b.client.header(), request: b.client.state()})
		var made status
		if a.code == history.OK && a.decode(&made) {
			b.env.Log.Add(b.created(e, made.Random))
			b.showCode(made.Random, made.BrowserKey, e.Node)
		} else {
			b.env.Log.Add(e)
		}
		return e.Answer
	}) == history.OK
}

// created completes the event of a new code.
func (b *browser) created(e history.Event, code string) history.Event {
	e.Code, e.Lifetimes = code, &b.pool.Terms
	if b.client != nil {
		e.Client, e.Nonce = b.client.ID, b.client.asked.nonce
	}
	return e
}
