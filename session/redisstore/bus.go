package redisstore

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/session"
)

// Bus is a session.Bus on Redis Pub/Sub. Subscribe and Unsubscribe only record the
// change; Run sends it to Redis over one connection at a time (connection.go), and reads
// each session whose subscription Redis acknowledges (reread.go).
type Bus struct {
	store     *Store
	probe     string // the channel on which this bus sends probes to itself
	ran       atomic.Bool
	listeners map[string]func() // by channel; not modified while Run runs

	lastProbe   atomic.Pointer[time.Time] // when the last probe arrived
	connections atomic.Int64              // connections that were established
	ignored     atomic.Int64              // invalid messages
	reads       atomic.Int64              // sessions read

	changed wakeup.Signal // set while a subscription is pending
	readDue wakeup.Signal // set while due is not empty

	mu        sync.Mutex
	ended     bool
	watched   map[session.ID]*delivered // all subscribed sessions
	pending   map[session.ID]struct{}   // subscribed or unsubscribed, not yet sent to Redis
	due       map[session.ID]struct{}   // acknowledged, to be read
	newcomers map[session.ID]*newcomer  // subscribed by SubscribeNew, until Created
	// connected is true while there is a connection on which Redis has acknowledged the probe.
	connected bool
	// previous has the sessions whose channel of the previous release is subscribed.
	previous map[session.ID]struct{}
}

// delivered is the newest version of a session that was delivered; zero for none.
type delivered struct {
	version int64
	op      session.OpID
}

// contradicts reports whether s, read after d was delivered, cannot be a later state of
// the same history.
func (d delivered) contradicts(s session.Snapshot) bool {
	return s.Version < d.version || s.Version == d.version && s.Op != d.op
}

// Bus creates a bus for one hub.
func (s *Store) Bus() *Bus {
	return &Bus{
		store:     s,
		probe:     s.client.Key("probe:" + string(session.NewOpID())),
		listeners: make(map[string]func()),
		changed:   wakeup.New(),
		readDue:   wakeup.New(),
		watched:   make(map[session.ID]*delivered),
		pending:   make(map[session.ID]struct{}),
		due:       make(map[session.ID]struct{}),
		newcomers: make(map[session.ID]*newcomer),
		previous:  make(map[session.ID]struct{}),
	}
}

// Listen calls notify for each message on the channel with this name, and whenever one
// may have been missed. Call it before Run; notify must not block.
func (b *Bus) Listen(name string, notify func()) {
	b.listeners[b.store.client.Key(name)] = notify
}

// Subscribe implements session.Bus. It may be called before Run; after Run has returned
// it is an error.
func (b *Bus) Subscribe(ctx context.Context, ids ...session.ID) error {
	return b.subscribe(ctx, ids, func(id session.ID) {
		if b.watched[id] == nil {
			b.watched[id] = new(delivered)
		}
	})
}

// Unsubscribe implements session.Bus. Redis learns of it with the next subscription, or within
// unsubscribeDelay.
func (b *Bus) Unsubscribe(ctx context.Context, ids ...session.ID) error {
	return b.change(ctx, ids, func(id session.ID) {
		delete(b.watched, id)
		delete(b.due, id)
		delete(b.newcomers, id)
	})
}

// subscribe is change for subscriptions, which somebody waits for.
func (b *Bus) subscribe(ctx context.Context, ids []session.ID, apply func(session.ID)) error {
	if err := b.change(ctx, ids, apply); err != nil {
		return err
	}
	b.changed.Set()
	return nil
}

// change applies apply to ids, with b.mu held, as changes that Redis must learn of.
func (b *Bus) change(ctx context.Context, ids []session.ID, apply func(session.ID)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return errors.New("the bus has ended")
	}
	for _, id := range ids {
		apply(id)
		b.pending[id] = struct{}{}
	}
	return nil
}

// Run implements session.Bus. While Redis is away it keeps trying. Its only own error is
// that of a second call.
func (b *Bus) Run(ctx context.Context, deliver func(session.Snapshot, error)) error {
	if !b.ran.CompareAndSwap(false, true) {
		return errors.New("Run was called before")
	}
	var reader sync.WaitGroup
	reader.Go(func() { b.reread(ctx, deliver) })
	b.stayConnected(ctx, deliver)
	reader.Wait()

	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	return ctx.Err()
}

// Age is the time since the bus last received a probe, which it sends to itself through
// Redis every 2 s; the maximum Duration if it never did. Above 5 s the bus reconnects. See
// [session.Bus] for the guarantees after that.
func (b *Bus) Age() time.Duration {
	if t := b.lastProbe.Load(); t != nil {
		return time.Since(*t)
	}
	return math.MaxInt64
}

// Reconnects is the number of times the connection was lost and established again.
func (b *Bus) Reconnects() int64 { return max(0, b.connections.Load()-1) }

// Reads is the number of sessions that the bus has read: each when it is subscribed, unless it
// was new, when it expires, and after each loss of the connection.
func (b *Bus) Reads() int64 { return b.reads.Load() }

// receive delivers an announcement. Any user who may publish on the channel can send
// anything, so invalid messages are ignored.
func (b *Bus) receive(m *redis.Message, deliver func(session.Snapshot, error)) {
	id, isPrevious, ok := b.watchedIn(m.Channel)
	s, err := parseMessage(m.Payload, isPrevious)
	if err != nil || !ok || s.ID != id || s.Version < 1 {
		if n := b.ignored.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
			b.store.log.Warn("invalid pub/sub message ignored", "channel", m.Channel, "bytes", len(m.Payload), "ignored", n)
		}
		return
	}
	if b.advance(s) {
		deliver(s, nil)
	}
}

// advance records that s is about to be delivered. It returns false if s must not be
// delivered, because it is not subscribed or a newer version was delivered.
func (b *Bus) advance(s session.Snapshot) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.watched[s.ID]
	if d == nil || s.Version < d.version {
		return false
	}
	if s.Version > d.version {
		*d = delivered{s.Version, s.Op}
	}
	return true
}
