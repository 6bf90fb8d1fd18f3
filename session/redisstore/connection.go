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

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/session"
)

const (
	probeInterval = 2 * time.Second
	// probeTimeout is the time without a probe after which a connection is given up:
	// by then two were sent, the second one a second ago.
	probeTimeout = 5 * time.Second
	// connectTimeout bounds finding the master, dialing and the first commands.
	connectTimeout = 3 * time.Second
	// subscribeBatch is the number of channels in one command: 25 KB, which keep Redis
	// busy for 0.65 ms (INFO commandstats).
	subscribeBatch = 500
	// subscribeDelay is the least time between two commands. Changes collect meanwhile, and
	// then share one command, acknowledgement and read. With 1,500 pages per second it saves
	// 11 % of the CPU per connecting page (0.50 instead of 0.56 ms; two pairs of `bench
	// idle`). Nothing is missed: a read follows, or the code is created afterwards.
	subscribeDelay = 10 * time.Millisecond
	// unsubscribeDelay is the most time until Redis learns that a session is not watched any
	// more. Nobody waits for that, and each command costs the node and Redis as much as a step.
	unsubscribeDelay = 500 * time.Millisecond
)

var errNoProbe = errors.New("no probe received for 5 s")

// connection is one Pub/Sub connection of a bus, until its first failure. go-redis
// would reconnect by itself, but it does not notice a dead connection that is still open,
// and would not look for a new master.
type connection struct {
	bus          *Bus
	pubsub       *redis.PubSub
	acknowledged wakeup.Signal // set when Redis acknowledged the probe's channel
	deliver      func(session.Snapshot, error)
}

// stayConnected keeps a connection until ctx ends.
func (b *Bus) stayConnected(ctx context.Context, deliver func(session.Snapshot, error)) {
	var pause backoff
	for {
		began := time.Now()
		err := b.connectOnce(ctx, deliver)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > probeTimeout { // the connection worked for a while
			pause = backoff{}
		}
		level := slog.LevelDebug // another failed attempt
		if pause.isNew() {
			level = slog.LevelWarn
		}
		b.store.log.Log(ctx, level, b.disconnected(), "error", err)
		pause.wait(ctx)
	}
}

// disconnected is the message about a connection that ended or failed.
func (b *Bus) disconnected() string {
	if b.connections.Load() > 0 {
		return "redis pub/sub disconnected"
	}
	return "redis pub/sub not connected: check redis_url; until Redis answers, requests are refused"
}

// connectOnce connects and serves the connection; it returns why that failed.
func (b *Bus) connectOnce(ctx context.Context, deliver func(session.Snapshot, error)) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c := &connection{bus: b, pubsub: b.store.client.Subscribe(ctx), acknowledged: wakeup.New(), deliver: deliver}
	defer c.pubsub.Close()
	if err := c.connect(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	var parts sync.WaitGroup
	parts.Go(func() { fail(c.receive(ctx)) })
	parts.Go(func() { fail(c.sendChanges(ctx)) })
	parts.Go(func() { fail(c.sendProbes(ctx)) })
	parts.Go(func() { fail(c.watchProbes(ctx)) })
	<-ctx.Done()
	c.bus.setConnected(false)
	_ = c.pubsub.Close() // receive does not end with its context
	parts.Wait()
	c.bus.setConnected(false) // receive may have handled a late acknowledgement
	return context.Cause(ctx)
}

func (c *connection) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return c.pubsub.Subscribe(ctx, slices.AppendSeq([]string{c.bus.probe}, maps.Keys(c.bus.listeners))...)
}

// receive handles what Redis sends.
func (c *connection) receive(ctx context.Context) error {
	for {
		message, err := c.pubsub.Receive(ctx)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		switch m := message.(type) {
		case *redis.Subscription:
			c.handleSubscription(m)
		case *redis.Message:
			if notify := c.bus.listeners[m.Channel]; notify != nil {
				notify()
				continue
			}
			if m.Channel != c.bus.probe {
				c.bus.receive(m, c.deliver)
				continue
			}
			now := time.Now()
			c.bus.lastProbe.Store(&now)
		}
	}
}

func (c *connection) handleSubscription(m *redis.Subscription) {
	if m.Kind != "subscribe" {
		return
	}
	if m.Channel == c.bus.probe {
		c.bus.setConnected(true)
		c.acknowledged.Set()
	} else if notify := c.bus.listeners[m.Channel]; notify != nil {
		notify()
	} else if id, _, ok := c.bus.watchedIn(m.Channel); ok {
		c.bus.acknowledged(id)
	}
}

// sendChanges sends all subscriptions to Redis, and then each change of them.
func (c *connection) sendChanges(ctx context.Context) error {
	c.bus.markAllPending()
	unsubscribing := time.NewTicker(unsubscribeDelay)
	defer unsubscribing.Stop()
	for {
		sent := time.Now()
		subscribe, unsubscribe := c.bus.takePending()
		for channels := range slices.Chunk(subscribe, subscribeBatch) {
			if err := c.pubsub.Subscribe(ctx, channels...); err != nil {
				return fmt.Errorf("subscribe: %w", err)
			}
		}
		for channels := range slices.Chunk(unsubscribe, subscribeBatch) {
			if err := c.pubsub.Unsubscribe(ctx, channels...); err != nil {
				return fmt.Errorf("unsubscribe: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-unsubscribing.C:
		case <-c.bus.changed:
			time.Sleep(subscribeDelay - time.Since(sent))
		}
	}
}

// sendProbes sends a probe every 2 s once Redis has acknowledged the probe's channel, and
// checks a sample of the watched sessions.
func (c *connection) sendProbes(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.acknowledged:
	}
	reconnects, level := c.bus.connections.Add(1)-1, slog.LevelInfo
	if reconnects > 0 {
		level = slog.LevelWarn // as the disconnection before it
	}
	c.bus.store.log.Log(ctx, level, "redis pub/sub connected", "reconnects", reconnects)
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		if err := c.bus.store.publishProbe(ctx, c.bus.probe); err != nil {
			c.bus.store.log.Debug("pub/sub probe not sent", "error", err)
		} else if err := c.bus.checkSample(ctx); err != nil {
			c.bus.store.log.Debug("sample of watched codes not read", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// watchProbes returns an error when no probe has arrived for probeTimeout.
func (c *connection) watchProbes(ctx context.Context) error {
	for began := time.Now(); ; {
		left := probeTimeout - min(c.bus.Age(), time.Since(began))
		if left <= 0 {
			return errNoProbe
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
	}
}

// publishProbe publishes to the bus's own channel. It also reads Redis's clock, which
// keeps the estimate of an idle node accurate.
func (s *Store) publishProbe(ctx context.Context, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, redisclient.CallTimeout)
	defer cancel()
	sent := time.Now()
	now, err := s.client.Time(ctx).Result()
	if err != nil {
		return err
	}
	s.client.ObserveClock(sent, time.Now(), now)
	return s.client.Publish(ctx, channel, "").Err()
}

// markAllPending has all subscriptions sent over a new connection.
func (b *Bus) markAllPending() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.pending)
	b.forgetPrevious()
	for id := range b.watched {
		b.pending[id] = struct{}{}
	}
}

// takePending returns the channels to subscribe and to unsubscribe next.
func (b *Bus) takePending() (subscribe, unsubscribe []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.pending {
		if b.watched[id] != nil {
			subscribe = append(subscribe, b.channel(id))
		} else {
			unsubscribe = b.appendChannels(unsubscribe, id)
		}
	}
	clear(b.pending)
	return subscribe, unsubscribe
}
