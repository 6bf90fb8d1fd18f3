package actors

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Transport is how a page learns how its code stands.
type Transport string

const (
	Open     Transport = "ws open"   // the socket makes its own codes
	Watch    Transport = "ws watch"  // gene, then a socket
	Events   Transport = "sse"       // gene, then server-sent events
	LongPoll Transport = "long poll" // gene, then check with wait
	Poll     Transport = "poll"      // gene, then check again and again
)

// pollEvery is how often a polling page asks.
const pollEvery = 700 * time.Millisecond

// browser is a page. Its goroutine is run; everybody else asks for what it
// shows.
type browser struct {
	w    *World
	rnd  *rand.Rand
	who  string
	via  Transport
	pool Pool

	refresh chan struct{} // asks the page to say "not me" (ws open)

	mu    sync.Mutex
	shown page
}

// page is what the person in front of it sees.
type page struct {
	code   string
	key    string // the browser key, which nobody sees
	status string // the last that was told; "" before
	ver    int64
	ticket string
	over   bool // the page does not expect anything more
}

func (b *browser) now() page {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown
}

// await waits until the page shows what is wanted, and reports whether it does.
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

// show makes the page show a new code.
func (b *browser) show(code, key string, node int) {
	b.leave()
	b.mu.Lock()
	b.shown = page{code: code, key: key}
	b.mu.Unlock()
	b.note(history.Event{Do: history.Show, Code: code, Node: node, Via: string(b.via)})
}

// leave ends what the page shows.
func (b *browser) leave() {
	b.mu.Lock()
	code, over := b.shown.code, b.shown.over
	b.shown.over = true
	b.mu.Unlock()
	if code != "" && !over {
		b.note(history.Event{Do: history.Leave, Code: code})
	}
}

func (b *browser) note(e history.Event) {
	e.Who = b.who
	if e.Return == 0 {
		e.Return = b.w.Log.Now()
	}
	if e.Call == 0 {
		e.Call = e.Return
	}
	b.w.Log.Add(e)
}

// take shows a status.
func (b *browser) take(s status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown.code != s.Random {
		return
	}
	b.shown.status, b.shown.ver = s.Event, s.Version
	if s.Ticket != nil {
		b.shown.ticket = *s.Ticket
	}
}

// ending is why a connection, or an attempt at one, is over.
type ending int

const (
	stop   ending = iota // the story is over
	soon                 // connect again after a short random pause
	slower               // connect again with growing pauses
)

// run is the page's life, until its story is over or ctx ends.
func (b *browser) run(ctx context.Context) {
	defer b.leave()
	if b.via != Open && !b.gene(ctx) {
		return
	}
	connect := map[Transport]func(context.Context, int) ending{
		Open: b.socket, Watch: b.socket, Events: b.stream, LongPoll: b.longPoll, Poll: b.poll,
	}[b.via]
	for grown := 100 * time.Millisecond; ctx.Err() == nil; {
		began := time.Now()
		switch connect(ctx, b.w.someNode(b.rnd)) {
		case stop:
			return
		case soon: // 0 to 5 s by the contract
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

// gene makes the page's code.
func (b *browser) gene(ctx context.Context) bool {
	return insist(ctx, b.rnd, func() int {
		a, e := b.w.ask(ctx, history.Gene, b.who, request{node: b.w.someNode(b.rnd), path: "gene", body: map[string]any{"userPoolId": b.pool.ID}})
		var made status
		if a.code == history.OK && a.into(&made) {
			e.Code, e.Terms = made.Random, &b.pool.Terms
			b.w.Log.Add(e)
			b.show(made.Random, made.BrowserKey, e.Node)
		} else {
			b.w.Log.Add(e)
		}
		return e.Answer
	}) == history.OK
}
