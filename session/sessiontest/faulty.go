package sessiontest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Faulty is a node that fails, stalls or repeats itself on command. Without a command it acts
// as the node that it wraps.
type Faulty struct {
	node Node

	mu      sync.Mutex
	err     error
	failed  *atomic.Int64 // calls that returned err
	stall   chan struct{}
	old     map[session.ID]session.Snapshot // first snapshots; nil unless Repeat was called
	past    *session.Session                // returned by Load if not nil
	ahead   time.Duration                   // added to Now
	deliver func(session.Snapshot, error)
}

// NewFaulty wraps a node.
func NewFaulty(node Node) *Faulty { return &Faulty{node: node} }

// Fail makes every call of the store return err, until Fail(nil); failed returns the number of
// calls that did.
func (f *Faulty) Fail(err error) (failed func() int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.failed = err, new(atomic.Int64)
	return f.failed.Load
}

// Stall makes every call of the store wait for the end of its context or for resume.
func (f *Faulty) Stall() (resume func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stall := make(chan struct{})
	f.stall = stall
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.stall = nil
		close(stall)
	})
}

// ShowPast makes every Load return s, as a storage does that lost later versions.
func (f *Faulty) ShowPast(s session.Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.past = &s
}

// Ahead adds d to the estimate of the storage's clock.
func (f *Faulty) Ahead(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead = d
}

// Repeat makes the bus deliver everything twice, and each code's first state again after
// every later one.
func (f *Faulty) Repeat() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.old = make(map[session.ID]session.Snapshot)
}

// Deliver delivers a snapshot that the storage did not announce. Run must be running.
func (f *Faulty) Deliver(s session.Snapshot, err error) {
	f.mu.Lock()
	deliver := f.deliver
	f.mu.Unlock()
	deliver(s, err)
}

// fault stalls and fails as commanded.
func (f *Faulty) fault(ctx context.Context) error {
	f.mu.Lock()
	stall, err := f.stall, f.err
	if err != nil {
		f.failed.Add(1)
	}
	f.mu.Unlock()
	if stall != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stall:
		}
	}
	return err
}

// Unwrap returns the store of the wrapped node.
func (f *Faulty) Unwrap() session.Store { return f.node.Store }

// Check implements session.Checker: it fails and stalls as the other calls do.
func (f *Faulty) Check(ctx context.Context) error {
	if err := f.fault(ctx); err != nil {
		return err
	}
	return session.Check(ctx, f.node.Store)
}

// Load implements session.Store.
func (f *Faulty) Load(ctx context.Context, id session.ID) (session.Session, error) {
	if err := f.fault(ctx); err != nil {
		return session.Session{}, err
	}
	f.mu.Lock()
	past := f.past
	f.mu.Unlock()
	if past != nil {
		return *past, nil
	}
	return f.node.Store.Load(ctx, id)
}

// Create implements session.Store.
func (f *Faulty) Create(ctx context.Context, s session.Session) (session.Session, error) {
	if err := f.fault(ctx); err != nil {
		return session.Session{}, err
	}
	return f.node.Store.Create(ctx, s)
}

// Apply implements session.Store.
func (f *Faulty) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	if err := f.fault(ctx); err != nil {
		return session.Session{}, session.Refused, err
	}
	return f.node.Store.Apply(ctx, id, t)
}

// Now implements session.Store.
func (f *Faulty) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.node.Store.Now().Add(f.ahead)
}

// Subscribe implements session.Bus.
func (f *Faulty) Subscribe(ctx context.Context, ids ...session.ID) error {
	return f.node.Bus.Subscribe(ctx, ids...)
}

// SubscribeNew implements session.Bus.
func (f *Faulty) SubscribeNew(ctx context.Context, id session.ID) error {
	return f.node.Bus.SubscribeNew(ctx, id)
}

// Created implements session.Bus.
func (f *Faulty) Created(s session.Snapshot) { f.node.Bus.Created(s) }

// Unsubscribe implements session.Bus.
func (f *Faulty) Unsubscribe(ctx context.Context, ids ...session.ID) error {
	return f.node.Bus.Unsubscribe(ctx, ids...)
}

// Run implements session.Bus.
func (f *Faulty) Run(ctx context.Context, deliver func(session.Snapshot, error)) error {
	f.mu.Lock()
	f.deliver = deliver
	f.mu.Unlock()
	return f.node.Bus.Run(ctx, func(s session.Snapshot, err error) {
		deliver(s, err)
		if first, repeat := f.first(s); repeat {
			deliver(s, err)
			deliver(first, nil)
		}
	})
}

func (f *Faulty) first(s session.Snapshot) (first session.Snapshot, repeat bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.old == nil || s.Version == 0 {
		return session.Snapshot{}, false
	}
	if _, ok := f.old[s.ID]; !ok {
		f.old[s.ID] = s
	}
	return f.old[s.ID], true
}
