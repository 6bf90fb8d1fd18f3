package ratelimit

import "time"

// Life is how long a key is still remembered.
func (m *Memory) Life(key string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, time.Until(m.get(key, time.Now()).end))
}

// Len is how many keys are held.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records)
}

// Known is how many exhausted keys are known.
func (n *Near) Known() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.waits)
}
