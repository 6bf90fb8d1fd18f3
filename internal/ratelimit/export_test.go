package ratelimit

import "time"

// TTL returns how long a key is still stored.
func (m *Memory) TTL(key string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, time.Until(m.records.get(key, time.Now()).end))
}

// Len returns the number of stored keys.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records.byKey)
}

// Exhausted returns the number of keys known to be exhausted.
func (b *Batcher) Exhausted() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for key := range b.exhausted.byKey {
		if b.exhausted.get(key, now).end.After(now) {
			n++
		}
	}
	return n
}

// Len returns the number of stored keys, including those that are no longer exhausted.
func (b *Batcher) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.exhausted.byKey)
}
