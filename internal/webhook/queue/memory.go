package queue

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Memory is a Queue in the memory of one process; nothing outlives that. Its
// clock is the process's own.
type Memory struct {
	mu    sync.Mutex
	lanes map[string]*line
	last  int64 // the number of the entry that was added last
}

// line holds the entries of a lane, oldest first.
type line struct {
	entries []*held
	ends    time.Time
}

type held struct {
	Entry
	until time.Time // zero: never held
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{lanes: make(map[string]*line)} }

// Add implements Queue.
func (m *Memory) Add(ctx context.Context, lane Lane, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	l := m.line(lane, now)
	if l == nil {
		l = new(line)
		m.lanes[lane.Name] = l
	}
	if over := len(l.entries) + 1 - lane.Most; over > 0 {
		if !lane.Rolls {
			return ErrFull
		}
		l.entries = slices.Delete(l.entries, 0, over)
	}
	m.last++
	l.entries = append(l.entries, &held{Entry: Entry{ID: strconv.FormatInt(m.last, 10), Added: now, Text: text}})
	l.ends = now.Add(lane.Life)
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
	take := func(which func(*held) bool) {
		for _, e := range m.entries(lane, now) {
			if len(taken) < n && which(e) {
				e.until = now.Add(hold)
				taken = append(taken, e.Entry)
			}
		}
	}
	take(func(e *held) bool { return !e.until.IsZero() && !now.Before(e.until) })
	take(func(e *held) bool { return e.until.IsZero() })
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
	if l := m.line(lane, time.Now()); l != nil {
		wanted := setOf(ids)
		l.entries = slices.DeleteFunc(l.entries, func(e *held) bool { return wanted[e.ID] })
	}
	return nil
}

// List implements Queue.
func (m *Memory) List(ctx context.Context, lane Lane, n int) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var newest []Entry
	for _, e := range slices.Backward(m.entries(lane, time.Now())) {
		if len(newest) == n {
			break
		}
		newest = append(newest, e.Entry)
	}
	return newest, nil
}

// line returns a lane's line unless its life is over. m.mu is held.
func (m *Memory) line(lane Lane, now time.Time) *line {
	l := m.lanes[lane.Name]
	if l != nil && !now.Before(l.ends) {
		delete(m.lanes, lane.Name)
		return nil
	}
	return l
}

func (m *Memory) entries(lane Lane, now time.Time) []*held {
	if l := m.line(lane, now); l != nil {
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
