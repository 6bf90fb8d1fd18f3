// Package identity answers one question: which user does this phone's token
// belong to? It promises that a user comes back only for a token that the
// pool's own issuer stands for now, that hostile tokens and hostile or dead
// issuers cost a bounded amount of time and memory, and that no token appears
// in an error.
//
// [JWT] verifies tokens itself, with keys that are configured or fetched from
// the issuer; [Userinfo] asks an address of the site about each token. Neither
// does I/O before its first Identify. What is then fetched goes on for its
// other callers when one gives up, and is over after 5 s at the latest.
package identity

import (
	"context"
	"errors"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// What callers decide on; every error of an Identity is one of these, wrapped
// with a reason for the log.
var (
	// ErrRefused means that the token is no good here: forged, expired,
	// for somebody else, or without a user.
	ErrRefused = errors.New("the token is refused")
	// ErrUnavailable means that the issuer could not be asked, so that
	// nothing is known of the token.
	ErrUnavailable = errors.New("the issuer does not answer")
)

// maxTokenBytes is the most that common proxies let pass as a header (nginx
// 8 KiB, others up to 16 KiB).
const maxTokenBytes = 16 << 10

// Identity tells users by their tokens.
type Identity interface {
	// Identify returns the token's user, within the bounds of
	// [session.User.Bounded]. now is the time that the token's own times are
	// compared with: the store's clock, which all nodes share, not this node's.
	// An answer that was fetched from elsewhere longer than maxAge ago is not
	// used again; 0 allows whatever the implementation keeps.
	Identify(ctx context.Context, token string, now time.Time, maxAge time.Duration) (session.User, error)
}
