package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/scanlogin/scanlogin/session"
)

// newcomer is a session between SubscribeNew and Created. It is not read: it may not be stored
// yet.
type newcomer struct {
	acknowledged chan struct{} // closed when Redis has acknowledged the subscription
	confirmed    bool          // acknowledged is closed
	// missed is true if a version may have been announced without being received: the session
	// is read as soon as it is created.
	missed bool
}

var errNotConnected = errors.New("redis pub/sub is not connected")

// SubscribeNew implements session.Bus. It waits for Redis's acknowledgement, but not for a
// connection.
func (b *Bus) SubscribeNew(ctx context.Context, id session.ID) error {
	n := &newcomer{acknowledged: make(chan struct{})}
	connected := false
	err := b.subscribe(ctx, []session.ID{id}, func(id session.ID) {
		b.watched[id], b.newcomers[id] = new(delivered), n
		connected = b.connected
		n.missed = !connected
	})
	switch {
	case err != nil:
		return err
	case !connected:
		return errNotConnected
	}
	select {
	case <-n.acknowledged:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		n.missed = true
		return fmt.Errorf("subscription not acknowledged: %w", ctx.Err())
	}
}

// Created implements session.Bus.
func (b *Bus) Created(s session.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, n := b.watched[s.ID], b.newcomers[s.ID]
	delete(b.newcomers, s.ID)
	if d == nil {
		return
	}
	if s.Version > d.version {
		*d = delivered{s.Version, s.Op}
	}
	if n == nil || n.missed {
		b.setDue(s.ID)
	}
}

// acknowledged has a session read, of which Redis has acknowledged the subscription: from now on
// its changes are announced, but its current state is not known. Before a newcomer's first
// acknowledgement nothing was stored; a second one means that the connection was lost in between.
func (b *Bus) acknowledged(id session.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch n := b.newcomers[id]; {
	case n == nil:
		b.setDue(id)
	case n.confirmed:
		n.missed = true
	default:
		n.confirmed = true
		close(n.acknowledged)
	}
}

// setConnected records whether there is a connection that receives.
func (b *Bus) setConnected(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.connected = on
}
