package memstore

import (
	"context"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Bus is a session.Bus over a Store. An announcement marks a code, and the
// code's state is read when its turn comes: a burst of steps may be delivered
// as one, the newest.
type Bus struct {
	store *Store
	wake  chan struct{} // holds one token when due is not empty

	mu     sync.Mutex
	wanted map[session.ID]struct{}
	due    map[session.ID]struct{}
}

// Bus makes a bus of its own for one hub. It hears of steps from the start of
// Run to its end.
func (st *Store) Bus() *Bus {
	return &Bus{
		store:  st,
		wake:   make(chan struct{}, 1),
		wanted: make(map[session.ID]struct{}),
		due:    make(map[session.ID]struct{}),
	}
}

// Subscribe implements session.Bus.
func (b *Bus) Subscribe(ctx context.Context, ids ...session.ID) error {
	b.mu.Lock()
	for _, id := range ids {
		b.wanted[id] = struct{}{}
		b.due[id] = struct{}{}
	}
	b.mu.Unlock()
	b.nudge()
	return ctx.Err()
}

// Unsubscribe implements session.Bus.
func (b *Bus) Unsubscribe(ctx context.Context, ids ...session.ID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		delete(b.wanted, id)
		delete(b.due, id)
	}
	return ctx.Err()
}

// Run implements session.Bus.
func (b *Bus) Run(ctx context.Context, deliver func(session.Snapshot, error)) error {
	b.store.join(b)
	defer b.store.leave(b)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			b.store.mu.Lock()
			b.store.sweep(now)
			b.store.mu.Unlock()
			continue
		case <-b.wake:
		}
		for _, id := range b.take() {
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

// announce is told of each step, with the store locked.
func (b *Bus) announce(id session.ID) {
	b.mu.Lock()
	_, ok := b.wanted[id]
	if ok {
		b.due[id] = struct{}{}
	}
	b.mu.Unlock()
	if ok {
		b.nudge()
	}
}

func (b *Bus) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *Bus) take() []session.ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]session.ID, 0, len(b.due))
	for id := range b.due {
		ids = append(ids, id)
	}
	clear(b.due)
	return ids
}

func (st *Store) join(b *Bus) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.buses[b] = struct{}{}
}

func (st *Store) leave(b *Bus) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.buses, b)
}
