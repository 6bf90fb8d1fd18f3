package memstore

import (
	"context"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/session"
)

// Bus is a session.Bus over a Store. An announcement marks a code as due; Run then reads its
// state. So several fast steps may be delivered as one, the newest.
type Bus struct {
	store *Store
	wake  wakeup.Signal // set while due is not empty

	mu      sync.Mutex
	watched map[session.ID]struct{}
	due     map[session.ID]struct{}
}

// Bus creates a bus for one hub. It receives announcements while Run runs.
func (st *Store) Bus() *Bus {
	return &Bus{
		store:   st,
		wake:    wakeup.New(),
		watched: make(map[session.ID]struct{}),
		due:     make(map[session.ID]struct{}),
	}
}

// Subscribe implements session.Bus.
func (b *Bus) Subscribe(ctx context.Context, ids ...session.ID) error {
	b.mu.Lock()
	for _, id := range ids {
		b.watched[id] = struct{}{}
		b.due[id] = struct{}{}
	}
	b.mu.Unlock()
	b.wake.Set()
	return ctx.Err()
}

// SubscribeNew implements session.Bus. It does not wait.
func (b *Bus) SubscribeNew(ctx context.Context, id session.ID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watched[id] = struct{}{}
	return ctx.Err()
}

// Created implements session.Bus. The state always follows: reading it costs nothing.
func (b *Bus) Created(s session.Snapshot) {
	b.mu.Lock()
	if _, ok := b.watched[s.ID]; ok {
		b.due[s.ID] = struct{}{}
	}
	b.mu.Unlock()
	b.wake.Set()
}

// Unsubscribe implements session.Bus.
func (b *Bus) Unsubscribe(ctx context.Context, ids ...session.ID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		delete(b.watched, id)
		delete(b.due, id)
	}
	return ctx.Err()
}

// Run implements session.Bus.
func (b *Bus) Run(ctx context.Context, deliver func(session.Snapshot, error)) error {
	b.store.addBus(b)
	defer b.store.removeBus(b)
	tick := time.NewTicker(evictInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			b.store.mu.Lock()
			b.store.evict(now)
			b.store.mu.Unlock()
			continue
		case <-b.wake:
		}
		for _, id := range b.takeDue() {
			s, err := b.store.Load(ctx, id)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				deliver(session.Snapshot{ID: id}, err)
				continue
			}
			deliver(s.Snapshot(), nil)
		}
	}
}

// announce marks a code as due, with the store locked.
func (b *Bus) announce(id session.ID) {
	b.mu.Lock()
	_, ok := b.watched[id]
	if ok {
		b.due[id] = struct{}{}
	}
	b.mu.Unlock()
	if ok {
		b.wake.Set()
	}
}

func (b *Bus) takeDue() []session.ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]session.ID, 0, len(b.due))
	for id := range b.due {
		ids = append(ids, id)
	}
	clear(b.due)
	return ids
}

func (st *Store) addBus(b *Bus) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.buses[b] = struct{}{}
}

func (st *Store) removeBus(b *Bus) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.buses, b)
}
