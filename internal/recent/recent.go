// Package recent remembers values by key within bounded memory, without a sweep, a timer or a
// goroutine.
package recent

import "sync"

// Cache has at least the last values that were put, and at most twice as many. Any goroutine may use it.
// Create it with New.
type Cache[K comparable, V any] struct {
	size int // of a generation

	mu         sync.Mutex
	young, old map[K]V // a full generation becomes the old one and replaces it
}

// New returns a Cache of at least size values.
func New[K comparable, V any](size int) *Cache[K, V] {
	return &Cache[K, V]{size: size, young: make(map[K]V)}
}

// Get returns the value that was last put for a key, false if there is none any more.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.young[key]
	if !ok {
		v, ok = c.old[key]
	}
	return v, ok
}

// Put stores a value for a key.
func (c *Cache[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.size {
		c.old, c.young = c.young, make(map[K]V)
	}
	c.young[key] = value
}
