package identity

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// maxAnswers bounds each of a cache's two generations. An answer has a few hundred bytes,
// at most 5 KiB.
const maxAnswers = 4096

// answer is the result for a token: a user or an error.
type answer struct {
	user  session.User
	err   error
	asked time.Time     // start of the call
	ttl   time.Duration // from asked

	from, until time.Time // of a [JWT], by the store's clock: when it was verified, and ends
}

// cache stores answers by the token's SHA-256. A full generation becomes the old one and
// replaces it, so that memory is bounded without a sweep.
type cache struct {
	size int // of a generation

	mu         sync.Mutex
	young, old map[[sha256.Size]byte]answer
}

func newCache(size int) *cache {
	return &cache{size: size, young: make(map[[sha256.Size]byte]answer)}
}

// get returns the newest answer for a token if its TTL has not passed and, unless maxAge is
// 0, it is not older than maxAge.
func (c *cache) get(digest [sha256.Size]byte, maxAge time.Duration) (answer, bool) {
	c.mu.Lock()
	a, ok := c.young[digest]
	if !ok {
		a, ok = c.old[digest]
	}
	c.mu.Unlock()
	age := time.Since(a.asked)
	return a, ok && age <= a.ttl && (maxAge == 0 || age <= maxAge)
}

func (c *cache) put(digest [sha256.Size]byte, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.size {
		c.old, c.young = c.young, make(map[[sha256.Size]byte]answer)
	}
	c.young[digest] = a
}
