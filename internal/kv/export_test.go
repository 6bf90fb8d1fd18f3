package kv

// Len returns the number of hashes in memory, with those that have expired.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.hashes)
}
