package server

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// Where a request keeps what it is still to be counted by, which goes along with
// whatever else counts it, in one round trip; and the pool whose secret it shows.
const (
	uncounted = "uncounted"
	siteKey   = "site"
)

// siteOf returns the pool whose secret the request has shown, if it has. The secret is
// compared once for each call: by changes, or by Server.site.
func siteOf(c echo.Context) (site *pool.Pool, proven bool) {
	site, proven = c.Get(siteKey).(*pool.Pool)
	return site, proven
}

// changes counts a call that makes or changes something. A back end calls for
// all of its users from one address; it is known by the pool's secret, and not
// counted.
func (s *Server) changes(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		site, ops, err := s.prove(c)
		if err != nil {
			return err
		}
		if site != nil {
			c.Set(siteKey, site)
			return next(c)
		}
		call := ratelimit.Allow(s.pools.Pseudonym("call", ipaddr.Key(c.RealIP())), perSecond(s.gates.AddressRate))
		if wait := s.gates.shared.RetryAfter(call); wait > 0 {
			return tooMany(wait)
		}
		c.Set(uncounted, append(ops, call))
		err = next(c)
		if ops := owed(c); len(ops) > 0 { // it failed before it was counted
			return cmp.Or(s.take(c.Request().Context(), ops...), err)
		}
		return err
	}
}

// owed returns what a request is still to be counted by, and takes it for done.
func owed(c echo.Context) []ratelimit.Op {
	ops, _ := c.Get(uncounted).([]ratelimit.Op)
	c.Set(uncounted, nil)
	return ops
}

// prove returns the pool whose secret a request shows by HTTP Basic, nil if it
// shows none, and for a wrong one what to count it by. The error is that of
// mayProve.
func (s *Server) prove(c echo.Context) (*pool.Pool, []ratelimit.Op, error) {
	id, secret, ok := c.Request().BasicAuth()
	if !ok {
		return nil, nil, nil
	}
	if err := s.mayProve(c); err != nil {
		return nil, nil, err
	}
	if p := s.pools.ByID(id); p != nil && p.Secret.Matches(secret) {
		s.proven(c)
		return p, nil, nil
	}
	return nil, s.wrongSecret(c), nil
}

// take takes, on all nodes, or refuses. It waits for what the others have taken,
// and so is for guesses; count does not, and is for what honest people do.
func (s *Server) take(ctx context.Context, ops ...ratelimit.Op) error {
	return refusalOf(s.gates.shared.Allow(ctx, ops...))
}

func (s *Server) count(ctx context.Context, ops ...ratelimit.Op) error {
	return refusalOf(s.gates.shared.AllowLocal(ctx, ops...))
}

// refusalOf returns the refusal for as long as the longest of the waits, nil if
// there is none.
func refusalOf(answers []ratelimit.Result) error {
	var longest time.Duration
	for _, a := range answers {
		longest = max(longest, a.RetryAfter)
	}
	if longest > 0 {
		return tooMany(longest)
	}
	return nil
}

// maySee counts a look at one code, on this node alone: a question to the
// store costs no less than the look.
func (s *Server) maySee(what string) error {
	answers, err := s.gates.checks.Do(context.Background(), ratelimit.Allow(what, perSecond(s.gates.CheckRate)))
	return cmp.Or(err, refusalOf(answers))
}

// isTooMany reports whether err is a refusal for what was done lately.
func isTooMany(err error) bool { return errors.Is(err, errTooMany) }
