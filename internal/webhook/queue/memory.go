package queue

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Memory is a Queue in the memory of one process, by the process's clock. Its entries are
// lost with the process.
type Memory struct {
	mu     sync.Mutex
	lanes  map[string]*laneState
	lastID int64
}

// laneState is the content of a lane.
type laneState struct {
	entries []*heldEntry // oldest first
	expiry  time.Time
}

type heldEntry struct {
	Entry
	until time.Time // end of the hold; zero: never held
}

// NewMemory creates an empty Memory.
func NewMemory() *Memory { return &Memory{lanes: make(map[string]*laneState)} }

// Add implements Queue.
func (m *Memory) Add(ctx context.Context, lane Lane, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	l := m.lane(lane, now)
	if l == nil {
		l = new(laneState)
		m.lanes[lane.Name] = l
	}
	if excess := len(l.entries) + 1 - lane.MaxLen; excess > 0 {
		if !lane.DropOldest {
			return ErrFull
		}
		l.entries = slices.Delete(l.entries, 0, excess)
	}
	m.lastID++
	l.entries = append(l.entries, &heldEntry{Entry: Entry{ID: strconv.FormatInt(m.lastID, 10), Added: now, Text: text}})
	l.expiry = now.Add(lane.TTL)
	return nil
}

// Take implements Queue.
func (m *Memory) Take(ctx context.Context, lane Lane, n int, hold time.Duration) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	var taken []Entry
	take := func(which func(*heldEntry) bool) {
		for _, e := range m.entries(lane, now) {
			if len(taken) < n && which(e) {
				e.until = now.Add(hold)
				taken = append(taken, e.Entry)
			}
		}
	}
	take(func(e *heldEntry) bool { return !e.until.IsZero() && !now.Before(e.until) })
	take(func(e *heldEntry) bool { return e.until.IsZero() })
	return taken, nil
}

// Hold implements Queue.
func (m *Memory) Hold(ctx context.Context, lane Lane, d time.Duration, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, wanted := time.Now(), setOf(ids)
	for _, e := range m.entries(lane, now) {
		if wanted[e.ID] && !e.until.IsZero() {
			e.until = now.Add(d)
		}
	}
	return nil
}

// Done implements Queue.
func (m *Memory) Done(ctx context.Context, lane Lane, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.lane(lane, time.Now()); l != nil {
		wanted := setOf(ids)
		l.entries = slices.DeleteFunc(l.entries, func(e *heldEntry) bool { return wanted[e.ID] })
	}
	return nil
}

// List implements Queue.
func (m *Memory) List(ctx context.Context, lane Lane, n int) ([]Entry, error) {
	return m.ListBefore(ctx, lane, "", n)
}

// ListBefore implements Queue.
func (m *Memory) ListBefore(ctx context.Context, lane Lane, id string, n int) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var newest []Entry
	before, _ := strconv.ParseInt(id, 10, 64) // "" is 0
	for _, e := range slices.Backward(m.entries(lane, time.Now())) {
		if len(newest) == n {
			break
		}
		if number, _ := strconv.ParseInt(e.ID, 10, 64); before == 0 || number < before {
			newest = append(newest, e.Entry)
		}
	}
	return newest, nil
}

// lane returns the content of a lane, or nil if it is missing or has expired. m.mu is held.
func (m *Memory) lane(lane Lane, now time.Time) *laneState {
	l := m.lanes[lane.Name]
	if l != nil && !now.Before(l.expiry) {
		delete(m.lanes, lane.Name)
		return nil
	}
	return l
}

func (m *Memory) entries(lane Lane, now time.Time) []*heldEntry {
	if l := m.lane(lane, now); l != nil {
		return l.entries
	}
	return nil
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
