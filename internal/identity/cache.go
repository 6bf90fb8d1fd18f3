package identity

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// maxAnswers bounds each of a cache's two generations. An answer has some
// hundred bytes, and never more than 5 KiB.
const maxAnswers = 4096

// answer is what was learned about a token: a user, or why there is none.
type answer struct {
	user  session.User
	err   error
	asked time.Time     // when the call began
	keep  time.Duration // from then
}

// cache remembers answers by the token's SHA-256. A full generation of them
// becomes the old one, and what was old is forgotten: what is written to a
// bounded place needs no sweeping.
type cache struct {
	size int // of a generation

	mu         sync.Mutex
	young, old map[[sha256.Size]byte]answer
}

func newCache(size int) *cache {
	return &cache{size: size, young: make(map[[sha256.Size]byte]answer)}
}

// get returns the newest answer about a token, if it may still be used and is
// not older than maxAge, unless that is 0.
func (c *cache) get(digest [sha256.Size]byte, maxAge time.Duration) (answer, bool) {
	c.mu.Lock()
	a, ok := c.young[digest]
	if !ok {
		a, ok = c.old[digest]
	}
	c.mu.Unlock()
	age := time.Since(a.asked)
	return a, ok && age <= a.keep && (maxAge == 0 || age <= maxAge)
}

func (c *cache) put(digest [sha256.Size]byte, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.size {
		c.old, c.young = c.young, make(map[[sha256.Size]byte]answer)
	}
	c.young[digest] = a
}
