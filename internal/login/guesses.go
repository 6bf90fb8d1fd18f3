package login

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// Guesses are lookups of codes and tickets that do not exist, and wrong secrets. They are
// counted over all nodes, and a refusal is the same whether the next guess would be right or
// wrong.

// failedLookup returns the operation that counts a lookup of what does not exist.
func (s *Service) failedLookup(by *Caller) ratelimit.Op {
	return ratelimit.Allow(s.pools.Pseudonym("miss", ipaddr.Address(by.IP)), perSecond(s.limits.MissRate))
}

// countFailure counts a request that failed with err, if that may be a guess. It returns err,
// or TooMany. A site or a client that has authenticated passes on what its users send, and is
// not counted.
func (s *Service) countFailure(ctx context.Context, by *Caller, err error) error {
	if by.isSite || by.isClient {
		return err
	}
	var guess []ratelimit.Op
	switch {
	case errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, session.ErrNotFound), errors.Is(err, ErrInvalidCode), errors.Is(err, ErrTicket), errors.Is(err, ErrGrant), errors.Is(err, ErrVerifier):
		guess = []ratelimit.Op{s.failedLookup(by)}
	case errors.Is(err, ErrCredentials):
		guess = s.wrongSecret(by)
	default:
		return err
	}
	ops := by.takePending()
	if !slices.Contains(ops, guess[0]) { // BeginChange may have seen the wrong secret
		ops = append(ops, guess...)
	}
	return cmp.Or(s.allowEverywhere(ctx, ops...), err)
}

// checkGuesses refuses a caller without proof while its address exceeds the limit of failed
// lookups: a guesser must not learn which code exists. The address that requested the code
// is never refused: it knows the code, and SDKs, which prove nothing, do not come back after
// a 429 of check.
func (s *Service) checkGuesses(by *Caller, code session.Session) error {
	if by.isSite || by.isClient || ipaddr.Address(code.Client.IP) == ipaddr.Address(by.IP) {
		return nil
	}
	if wait := s.limits.shared.RetryAfter(s.failedLookup(by)); wait > 0 {
		return TooMany{RetryAfter: wait}
	}
	return nil
}

// checkGuessesWithProof is checkGuesses for a caller whose proof was not verified yet.
func (s *Service) checkGuessesWithProof(by *Caller, p *pool.Pool, code session.Session) error {
	if by.IsBrowser(p, code) {
		return nil
	}
	return s.checkGuesses(by, code)
}

const (
	// neighbourSecrets is how many times the wrong secrets of one address and pool all pools
	// and addresses of an IPv6 /64 may have together (of IPv4: all pools of the address).
	neighbourSecrets = 10
	// provenTime is how long an address that showed a pool's secret is remembered.
	provenTime = time.Hour
)

// claimed returns the id of the pool or of the client whose secret the caller claims to have;
// "" for an unknown one.
func (s *Service) claimed(by *Caller) string {
	if by.Credentials == nil {
		return ""
	}
	id := by.Credentials.ID
	if _, client := s.pools.Client(id); client == nil && s.pools.ByID(id) == nil {
		return ""
	}
	return id
}

// wrongSecret returns the operations that count a wrong secret. The first counts the exact
// address for the claimed pool: it stops a guesser, and does not lock out a site beside it.
// The second counts all neighbours for all pools, and bounds a guesser that has many
// addresses.
func (s *Service) wrongSecret(by *Caller) []ratelimit.Op {
	return []ratelimit.Op{
		ratelimit.Allow(s.pools.Pseudonym("secret", by.IP, s.claimed(by)), perSecond(s.limits.MissRate)).Exactly(),
		ratelimit.Allow(s.pools.Pseudonym("secrets", ipaddr.Address(by.IP)), perSecond(neighbourSecrets*s.limits.MissRate)).Exactly(),
	}
}

// checkWrongSecrets refuses to verify a secret from an address that showed too many wrong
// ones, or a guesser would learn which one is right. Only wrong secrets count, so nobody can
// lock a site out by way of its own back end; and its neighbours lock it out only until it
// was first authenticated.
func (s *Service) checkWrongSecrets(ctx context.Context, by *Caller) error {
	guess := s.wrongSecret(by)
	wait := s.limits.shared.RetryAfter(guess[0])
	if others := s.limits.shared.RetryAfter(guess[1]); others > wait && !s.hasProven(ctx, by) {
		wait = others
	}
	if wait > 0 {
		return TooMany{RetryAfter: wait}
	}
	return nil
}

// authenticate verifies the caller's credentials, and reports whether they are right. It
// must follow checkWrongSecrets, and be called at most once per request.
func (s *Service) authenticate(ctx context.Context, by *Caller) bool {
	p := s.pools.ByID(by.Credentials.ID)
	if p == nil || !p.Secret.Matches(by.Credentials.Secret) {
		return false
	}
	by.site, by.isSite = p, true
	s.rememberProof(ctx, by)
	return true
}

func (s *Service) provenKey(by *Caller) string {
	return s.pools.Pseudonym("proven", by.IP, s.claimed(by))
}

// rememberProof records that the caller showed the right secret. The other nodes are told at
// most twice in provenTime, so that it costs them next to nothing.
func (s *Service) rememberProof(ctx context.Context, by *Caller) {
	key := s.provenKey(by)
	if !s.hasProvenHere(key) {
		_, _ = s.limits.checks.Do(context.Background(), ratelimit.Incr(key, provenTime/2)) // fails only with its context
		s.limits.shared.Enqueue(ctx, ratelimit.Incr(key, provenTime))
	}
}

func (s *Service) hasProvenHere(key string) bool {
	results, err := s.limits.checks.Do(context.Background(), ratelimit.Count(key))
	return err == nil && results[0].Count > 0
}

// hasProven reports whether the caller showed the right secret within provenTime, on any
// node. It asks the storage, which happens only while the caller's neighbours guess.
func (s *Service) hasProven(ctx context.Context, by *Caller) bool {
	key := s.provenKey(by)
	if s.hasProvenHere(key) {
		return true
	}
	results, err := s.limits.shared.Do(ctx, ratelimit.Count(key))
	return err == nil && results[0].Count > 0
}
