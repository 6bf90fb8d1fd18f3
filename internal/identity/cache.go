package identity

import (
	"crypto/sha256"
	"time"

	"github.com/scanlogin/scanlogin/internal/recent"
	"github.com/scanlogin/scanlogin/session"
)

// maxAnswers is how many answers a cache has at least. An answer has a few hundred bytes,
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

// isFresh reports whether the TTL has not passed and, unless maxAge is 0, the answer is not older.
func (a answer) isFresh(maxAge time.Duration) bool {
	age := time.Since(a.asked)
	return age <= a.ttl && (maxAge == 0 || age <= maxAge)
}

// cache has answers by the token's SHA-256.
type cache = recent.Cache[[sha256.Size]byte, answer]

func newCache() *cache { return recent.New[[sha256.Size]byte, answer](maxAnswers) }
