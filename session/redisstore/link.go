package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/session"
)

const (
	probeEvery = 2 * time.Second
	// silence is how long a connection may go without a probe: two of them
	// were sent by then, the second a second ago.
	silence = 5 * time.Second
	// upTimeout bounds connecting: finding the master, dialing, greeting.
	upTimeout = 3 * time.Second
	// subscribeBatch is how many codes are asked for at once: 25 KB, with
	// which Redis is busy for 0.65 ms (INFO commandstats).
	subscribeBatch = 500
	// gather is how long a change of what is wanted waits for others, which are
	// asked for, acknowledged and read along with it: with 1,500 pages a second
	// that is 11 % of what one costs to connect (two pairs of `bench idle`:
	// 0.50 instead of 0.56 ms of CPU). Nobody waits for it: what happened
	// meanwhile is read then.
	gather = 10 * time.Millisecond
)

var errSilent = errors.New("the bus does not hear its probes")

// link is one connection on which a bus listens, until its first failure.
// go-redis would repair it by itself, but neither notices a dead one that is
// still open, nor finds the new master for it.
type link struct {
	bus     *Bus
	sub     *redis.PubSub
	up      chan struct{} // gets a token when Redis acknowledged the probe's channel
	deliver func(session.Snapshot, error)
}

// relink keeps a link up until ctx ends.
func (b *Bus) relink(ctx context.Context, deliver func(session.Snapshot, error)) {
	var p pauses
	for {
		began := time.Now()
		err := b.listen(ctx, deliver)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > silence { // it was good for a while
			p = pauses{}
		}
		level := slog.LevelDebug // one more try that failed
		if p.none() {
			level = slog.LevelWarn
		}
		b.store.log.Log(ctx, level, "bus disconnected", "error", err)
		p.wait(ctx)
	}
}

// listen makes a link and returns why it failed.
func (b *Bus) listen(ctx context.Context, deliver func(session.Snapshot, error)) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	l := &link{bus: b, sub: b.store.client.Subscribe(ctx), up: make(chan struct{}, 1), deliver: deliver}
	defer l.sub.Close()
	if err := l.connect(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	var parts sync.WaitGroup
	parts.Go(func() { fail(l.receive(ctx)) })
	parts.Go(func() { fail(l.request(ctx)) })
	parts.Go(func() { fail(l.sendProbes(ctx)) })
	parts.Go(func() { fail(l.watch(ctx)) })
	<-ctx.Done()
	_ = l.sub.Close() // an ended context does not end receive
	parts.Wait()
	return context.Cause(ctx)
}

func (l *link) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	return l.sub.Subscribe(ctx, slices.AppendSeq([]string{l.bus.probe}, maps.Keys(l.bus.taps))...)
}

// receive takes what Redis says.
func (l *link) receive(ctx context.Context) error {
	for {
		message, err := l.sub.Receive(ctx)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		switch m := message.(type) {
		case *redis.Subscription:
			l.acknowledged(m)
		case *redis.Message:
			if wake := l.bus.taps[m.Channel]; wake != nil {
				wake()
				continue
			}
			if m.Channel != l.bus.probe {
				l.bus.hear(m, l.deliver)
				continue
			}
			now := time.Now()
			l.bus.heard.Store(&now)
		}
	}
}

func (l *link) acknowledged(m *redis.Subscription) {
	if m.Kind != "subscribe" {
		return
	}
	if m.Channel == l.bus.probe {
		nudge(l.up)
	} else if wake := l.bus.taps[m.Channel]; wake != nil {
		wake()
	} else if id, ok := l.bus.store.id(m.Channel); ok {
		l.bus.markDue(id)
	}
}

// request asks Redis for all that is wanted, and for each change of that.
func (l *link) request(ctx context.Context) error {
	l.bus.askAll()
	for {
		wanted, unwanted := l.bus.takeAsked()
		for names := range slices.Chunk(wanted, subscribeBatch) {
			if err := l.sub.Subscribe(ctx, names...); err != nil {
				return fmt.Errorf("subscribe: %w", err)
			}
		}
		for names := range slices.Chunk(unwanted, subscribeBatch) {
			if err := l.sub.Unsubscribe(ctx, names...); err != nil {
				return fmt.Errorf("unsubscribe: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.bus.changed:
			time.Sleep(gather)
		}
	}
}

// sendProbes sends a probe every 2 s from when Redis has us as a listener, and
// looks whether Redis still has what it had.
func (l *link) sendProbes(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.up:
	}
	l.bus.store.log.Info("bus connected", "reconnects", l.bus.links.Add(1)-1)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		if err := l.bus.store.publishProbe(ctx, l.bus.probe); err != nil {
			l.bus.store.log.Debug("bus probe not sent", "error", err)
		} else if err := l.bus.sample(ctx); err != nil {
			l.bus.store.log.Debug("bus sample not read", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// watch gives up when no probe has been heard for too long.
func (l *link) watch(ctx context.Context) error {
	for began := time.Now(); ; {
		left := silence - min(l.bus.Age(), time.Since(began))
		if left <= 0 {
			return errSilent
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
	}
}

// publishProbe publishes to a bus's own channel, and reads Redis's clock by
// the way, so that an idle node's estimate stays good.
func (s *Store) publishProbe(ctx context.Context, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	sent := time.Now()
	now, err := s.client.Time(ctx).Result()
	if err != nil {
		return err
	}
	s.clock.observe(sent, time.Now(), now)
	return s.client.Publish(ctx, channel, "").Err()
}

// askAll has a new connection asked for all that is wanted.
func (b *Bus) askAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.asked)
	for id := range b.codes {
		b.asked[id] = struct{}{}
	}
}

// takeAsked takes the names of what Redis is to be told next.
func (b *Bus) takeAsked() (wanted, unwanted []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.asked {
		if b.codes[id] != nil {
			wanted = append(wanted, b.store.name(id))
		} else {
			unwanted = append(unwanted, b.store.name(id))
		}
	}
	clear(b.asked)
	return wanted, unwanted
}
