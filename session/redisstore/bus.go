package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/session"
)

// Bus is a session.Bus on Redis Pub/Sub. Subscribe and Unsubscribe only note
// what is wanted; while Run runs, one connection after the other (link.go) is
// told, and whatever Redis acknowledges is read (reread.go).
type Bus struct {
	store *Store
	probe string // the channel on which this bus talks to itself
	ran   atomic.Bool
	taps  map[string]func() // by channel; not changed while Run runs

	heard   atomic.Pointer[time.Time] // when the last probe was heard
	links   atomic.Int64              // connections that came up
	ignored atomic.Int64              // messages that made no sense
	reads   atomic.Int64              // of codes, one by one

	changed chan struct{} // holds one token when asked is not empty
	wake    chan struct{} // holds one token when due is not empty

	mu    sync.Mutex
	ended bool
	codes map[session.ID]*told    // all that are wanted
	asked map[session.ID]struct{} // wanted, or no longer wanted, since Redis was last told
	due   map[session.ID]struct{} // acknowledged, to be read
}

// told is the newest version of a code that was delivered; zero for none.
type told struct {
	version int64
	op      session.OpID
}

// contradicts reports whether s, read after t was delivered, cannot be what
// became of it.
func (t told) contradicts(s session.Snapshot) bool {
	return s.Version < t.version || s.Version == t.version && s.Op != t.op
}

// Bus makes a bus of its own for one hub.
func (s *Store) Bus() *Bus {
	return &Bus{
		store:   s,
		probe:   s.prefix + ":probe:" + string(session.NewOpID()),
		taps:    make(map[string]func()),
		changed: make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		codes:   make(map[session.ID]*told),
		asked:   make(map[session.ID]struct{}),
		due:     make(map[session.ID]struct{}),
	}
}

// Subscribe implements session.Bus. Codes may be subscribed before Run; once
// Run has returned, that is an error.
func (b *Bus) Subscribe(ctx context.Context, ids ...session.ID) error {
	return b.ask(ctx, ids, func(id session.ID) {
		if b.codes[id] == nil {
			b.codes[id] = new(told)
		}
	})
}

// Unsubscribe implements session.Bus.
func (b *Bus) Unsubscribe(ctx context.Context, ids ...session.ID) error {
	return b.ask(ctx, ids, func(id session.ID) {
		delete(b.codes, id)
		delete(b.due, id)
	})
}

// ask changes what is wanted, with b.mu held, and has Redis told.
func (b *Bus) ask(ctx context.Context, ids []session.ID, change func(session.ID)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return errors.New("the bus has ended")
	}
	for _, id := range ids {
		change(id)
		b.asked[id] = struct{}{}
	}
	nudge(b.changed)
	return nil
}

// Run implements session.Bus. While Redis is away it goes on trying; its only
// error of its own is for a second call.
func (b *Bus) Run(ctx context.Context, deliver func(session.Snapshot, error)) error {
	if !b.ran.CompareAndSwap(false, true) {
		return errors.New("the bus was run before")
	}
	var reader sync.WaitGroup
	reader.Go(func() { b.reread(ctx, deliver) })
	b.relink(ctx, deliver)
	reader.Wait()

	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	return ctx.Err()
}

// Age is the time since the bus last heard the probe that it sends itself
// every 2 s through Redis, and the longest Duration if it never did. Over some
// 5 s it is deaf; see [session.Bus] for what follows when it hears again.
func (b *Bus) Age() time.Duration {
	if t := b.heard.Load(); t != nil {
		return time.Since(*t)
	}
	return math.MaxInt64
}

// Reconnects is how often the connection was lost and came back.
func (b *Bus) Reconnects() int64 { return max(0, b.links.Load()-1) }

// Reads is how many codes the bus has read: each when it is subscribed, when its
// end comes, and after each loss of the connection.
func (b *Bus) Reads() int64 { return b.reads.Load() }

// hear delivers an announcement. Anybody who may publish on a code's channel
// can send anything, so what makes no sense is passed over.
func (b *Bus) hear(m *redis.Message, deliver func(session.Snapshot, error)) {
	id, ok := b.store.id(m.Channel)
	var s session.Snapshot
	if err := json.Unmarshal([]byte(m.Payload), &s); err != nil || !ok || s.ID != id || s.Version < 1 {
		if n := b.ignored.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
			b.store.log.Warn("bus message ignored", "channel", m.Channel, "bytes", len(m.Payload), "ignored", n)
		}
		return
	}
	if b.note(s) {
		deliver(s, nil)
	}
}

// note remembers that s is about to be delivered; false means that it should
// not be, because nobody wants it or a newer one was.
func (b *Bus) note(s session.Snapshot) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.codes[s.ID]
	if t == nil || s.Version < t.version {
		return false
	}
	if s.Version > t.version {
		*t = told{s.Version, s.Op}
	}
	return true
}

// nudge puts a token into a channel that holds one.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
