package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// Guesses are lookups of codes and tickets that do not exist, and wrong secrets. They
// are counted over all nodes, and a refusal is the same whether the next guess
// would be right or wrong.

// miss is the take for a lookup of what does not exist.
func (s *Server) miss(c echo.Context) ratelimit.Op {
	return ratelimit.Allow(s.pools.Pseudonym("miss", ipaddr.Key(c.RealIP())), perSecond(s.gates.MissRate))
}

// missed counts a question about a code or a ticket that is not there, or with
// a wrong secret: who asks many is guessing. A site that has proved itself
// passes on what its users bring, and guesses nothing.
func (s *Server) missed(c echo.Context, err error) error {
	if _, proven := siteOf(c); proven {
		return err
	}
	var guess []ratelimit.Op
	switch p, _, _ := describe(err); p {
	case errNoCode, errInvalidCode, errTicket, errVerifier:
		guess = []ratelimit.Op{s.miss(c)}
	case errCredentials:
		guess = s.wrongSecret(c)
	default:
		return err
	}
	ops := owed(c)
	if !slices.Contains(ops, guess[0]) { // a wrong secret may have been seen before
		ops = append(ops, guess...)
	}
	return cmp.Or(s.take(c.Request().Context(), ops...), err)
}

// mayLearn refuses to tell a caller without proof anything of a code while its
// address is over the limit of lookups that found nothing, or a guesser would be
// told which code exists. The address that asked for the code is never refused:
// it knows of it, and SDKs, which prove nothing, never come back after a 429 of check.
func (s *Server) mayLearn(c echo.Context, code session.Session) error {
	if _, proven := siteOf(c); proven || ipaddr.Key(code.Client.IP) == ipaddr.Key(c.RealIP()) {
		return nil
	}
	if wait := s.gates.shared.RetryAfter(s.miss(c)); wait > 0 {
		return tooMany(wait)
	}
	return nil
}

// mayLook is mayLearn for a caller whose proof is its cookie or key, if any.
func (s *Server) mayLook(c echo.Context, p *pool.Pool, code session.Session) error {
	by := proof{key: c.Request().Header.Get("X-Browser-Key"), cookie: s.cookieOf(c.Request())}
	if by.isBrowser(p, code) {
		return nil
	}
	return s.mayLearn(c, code)
}

const (
	// neighbourSecrets is how many times the wrong secrets of one address and pool
	// all pools and addresses of an IPv6 /64 have together (of IPv4, all pools of the address).
	neighbourSecrets = 10
	// provenTime is how long an address is remembered that showed a pool's secret.
	provenTime = time.Hour
)

// claimedPool is where a request keeps the pool whose secret it claims to
// have, if not by HTTP Basic.
const claimedPool = "claimed"

// claims is the pool whose secret a request claims to have; "" for an unknown one.
func (s *Server) claims(c echo.Context) string {
	id, _, ok := c.Request().BasicAuth()
	if !ok {
		id, _ = c.Get(claimedPool).(string)
	}
	if s.pools.ByID(id) == nil {
		return ""
	}
	return id
}

// wrongSecret are the takes for a wrong secret. The first is of the exact address for
// the claimed pool: it keeps a guesser from being told, and does not lock out a site
// beside it. The second is of all its neighbours for all pools, and bounds a guesser that
// has many addresses.
func (s *Server) wrongSecret(c echo.Context) []ratelimit.Op {
	return []ratelimit.Op{
		ratelimit.Allow(s.pools.Pseudonym("secret", c.RealIP(), s.claims(c)), perSecond(s.gates.MissRate)),
		ratelimit.Allow(s.pools.Pseudonym("secrets", ipaddr.Key(c.RealIP())), perSecond(neighbourSecrets*s.gates.MissRate)),
	}
}

// mayProve refuses to look at a secret from an address that has just shown too
// many wrong ones: or who guesses would be told which one is right. Nothing but
// wrong secrets counts here, so nobody can lock a site out by way of its own
// back end; and the neighbours of a site lock it out only until it was first let in.
func (s *Server) mayProve(c echo.Context) error {
	guess := s.wrongSecret(c)
	wait := s.gates.shared.RetryAfter(guess[0])
	if others := s.gates.shared.RetryAfter(guess[1]); others > wait && !s.hasProven(c) {
		wait = others
	}
	if wait > 0 {
		return tooMany(wait)
	}
	return nil
}

func (s *Server) provenKey(c echo.Context) string {
	return s.pools.Pseudonym("proven", c.RealIP(), s.claims(c))
}

// proven remembers that the caller showed the right secret. The other nodes are
// told at most twice in provenTime, so that it costs them next to nothing.
func (s *Server) proven(c echo.Context) {
	key := s.provenKey(c)
	if !s.hasProvenHere(key) {
		_, _ = s.gates.checks.Do(context.Background(), ratelimit.Incr(key, provenTime/2)) // fails only with its context
		s.gates.shared.Enqueue(c.Request().Context(), ratelimit.Incr(key, provenTime))
	}
}

func (s *Server) hasProvenHere(key string) bool {
	answers, err := s.gates.checks.Do(context.Background(), ratelimit.Count(key))
	return err == nil && answers[0].Count > 0
}

// hasProven reports whether the caller showed the right secret within provenTime,
// on any node. It asks the storage, which happens only while its neighbours guess.
func (s *Server) hasProven(c echo.Context) bool {
	key := s.provenKey(c)
	if s.hasProvenHere(key) {
		return true
	}
	answers, err := s.gates.shared.Do(c.Request().Context(), ratelimit.Count(key))
	return err == nil && answers[0].Count > 0
}
