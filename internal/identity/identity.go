// Package identity finds the user that a phone's token belongs to. It guarantees that a user
// is returned only for a token that the pool's own issuer vouches for now, that hostile
// tokens and hostile or unavailable issuers cost bounded time and memory, and that no error
// contains a token.
//
// [JWT] verifies tokens itself, with keys that are configured or fetched from the issuer;
// [Userinfo] asks an address of the site about each token. Neither does I/O before its first
// Identify. A fetch continues for its other callers when one of them gives up, and ends
// after 5 s at the latest.
package identity

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/session"
)

// Every error of an Identity is one of these, wrapped with a reason for the log.
var (
	// ErrRefused means that the token is not valid for this pool: forged, expired, for
	// a different audience, or without a user.
	ErrRefused = errors.New("the token is refused")
	// ErrExpired is wrapped beside ErrRefused if the token has expired, by its own times and
	// before its signature is verified.
	ErrExpired = jwt.ErrTokenExpired
	// ErrUnavailable means that the issuer did not answer, so whether the token is valid
	// is unknown.
	ErrUnavailable = errors.New("the issuer does not answer")
)

// maxTokenBytes is the largest header that common proxies pass on (nginx 8 KiB, others up
// to 16 KiB).
const maxTokenBytes = 16 << 10

// Identity finds users by their tokens.
type Identity interface {
	// Identify returns the token's user, within the limits of [session.User.Bounded].
	// The times in the token are compared with now, which is the time by the store's
	// clock that all nodes share. An answer that was fetched longer than maxAge ago is
	// not used; 0 allows whatever the implementation has cached.
	Identify(ctx context.Context, token string, now time.Time, maxAge time.Duration) (session.User, error)
}

// otherPoolTimeout bounds AcceptedByAny: it only makes an error message more precise.
const otherPoolTimeout = 300 * time.Millisecond

// AcceptedByAny reports whether one of the identities accepts a token that the pool's own
// identity refused. It asks only those of type [JWT], so that no other pool's site receives
// the token, and takes at most 300 ms.
func AcceptedByAny(ctx context.Context, token string, now time.Time, identities []Identity) bool {
	ctx, cancel := context.WithTimeout(ctx, otherPoolTimeout)
	defer cancel()
	return slices.ContainsFunc(identities, func(id Identity) bool {
		local, ok := id.(*JWT)
		if !ok {
			return false
		}
		_, err := local.Identify(ctx, token, now, 0)
		return err == nil
	})
}
