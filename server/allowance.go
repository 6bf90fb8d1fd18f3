package server

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/pool"
	"github.com/scanlogin/scanlogin/tally"
)

// Where a request keeps what it is still to be counted by, which goes along with
// whatever else counts it, in one round trip; and the pool whose secret it shows.
const (
	uncounted = "uncounted"
	siteOf    = "site"
)

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
			c.Set(siteOf, site)
			return next(c)
		}
		call := tally.Take(s.pools.Pseudonym("call", addressKey(c.RealIP())), perSecond(s.gates.AddressRate))
		if wait := s.gates.shared.Wait(call); wait > 0 {
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
func owed(c echo.Context) []tally.Op {
	ops, _ := c.Get(uncounted).([]tally.Op)
	c.Set(uncounted, nil)
	return ops
}

// prove returns the pool whose secret a request shows by HTTP Basic, nil if it
// shows none, and for a wrong one what to count it by. The error is that of
// mayProve.
func (s *Server) prove(c echo.Context) (*pool.Pool, []tally.Op, error) {
	id, secret, ok := c.Request().BasicAuth()
	if !ok {
		return nil, nil, nil
	}
	if err := s.mayProve(c); err != nil {
		return nil, nil, err
	}
	if p := s.pools.ByID(id); p != nil && p.Secret.Matches(secret) {
		return p, nil, nil
	}
	return nil, []tally.Op{s.wrongSecret(c)}, nil
}

// mayProve refuses to look at a secret from an address that has just shown too
// many wrong ones: or who guesses would be told which one is right. Nothing but
// wrong secrets counts here, so nobody can lock a site out by way of its own
// back end.
func (s *Server) mayProve(c echo.Context) error {
	if wait := s.gates.shared.Wait(s.wrongSecret(c)); wait > 0 {
		return tooMany(wait)
	}
	return nil
}

// wrongSecret and miss are the takes for the two kinds of guesses.
func (s *Server) wrongSecret(c echo.Context) tally.Op { return s.guess(c, "secret") }
func (s *Server) miss(c echo.Context) tally.Op        { return s.guess(c, "miss") }

func (s *Server) guess(c echo.Context, what string) tally.Op {
	return tally.Take(s.pools.Pseudonym(what, addressKey(c.RealIP())), perSecond(s.gates.MissRate))
}

// missed counts a question about a code or a ticket that is not there, or with
// a wrong secret: who asks many is guessing. A site that has proved itself
// passes on what its users bring, and guesses nothing.
func (s *Server) missed(c echo.Context, err error) error {
	if c.Get(siteOf) != nil {
		return err
	}
	var guess tally.Op
	switch p, _, _ := describe(err); p {
	case errNoCode, errInvalidCode, errTicket, errVerifier:
		guess = s.miss(c)
	case errCredentials:
		guess = s.wrongSecret(c)
	default:
		return err
	}
	ops := owed(c)
	if !slices.Contains(ops, guess) { // a wrong secret may have been seen before
		ops = append(ops, guess)
	}
	return cmp.Or(s.take(c.Request().Context(), ops...), err)
}

// take takes, on all nodes, or refuses. It waits for what the others have taken,
// and so is for guesses; count does not, and is for what honest people do.
func (s *Server) take(ctx context.Context, ops ...tally.Op) error {
	return refusalOf(s.gates.shared.Take(ctx, ops...))
}

func (s *Server) count(ctx context.Context, ops ...tally.Op) error {
	return refusalOf(s.gates.shared.Count(ctx, ops...))
}

// refusalOf returns the refusal for as long as the longest of the waits, nil if
// there is none.
func refusalOf(answers []tally.Answer) error {
	var longest time.Duration
	for _, a := range answers {
		longest = max(longest, a.Wait)
	}
	if longest > 0 {
		return tooMany(longest)
	}
	return nil
}

// mayMakeFor is mayMake for a request; a site asks for all of its users, and is
// no address.
func (s *Server) mayMakeFor(c echo.Context, p *pool.Pool) error {
	address := addressKey(c.RealIP())
	if site, _ := c.Get(siteOf).(*pool.Pool); site != nil && site.ID == p.ID {
		address = ""
	}
	if err := s.capacity.admit(p, address); err != nil {
		return err // changes counts the call
	}
	return s.mayMake(c.Request().Context(), p, address, owed(c)...)
}

// mayMake counts one more code of a pool and of the address, if any, that asks
// for it, along with what else is to be counted.
func (s *Server) mayMake(ctx context.Context, p *pool.Pool, address string, also ...tally.Op) error {
	most := cmp.Or(p.Limits.CodesPerPool, s.gates.CodesPerPool)
	ops := append(also, tally.Take(p.Pseudonym("codes"), openCodes(most)))
	if address != "" {
		most = cmp.Or(p.Limits.CodesPerAddress, s.gates.CodesPerAddress)
		ops = append(ops, tally.Take(s.pools.Pseudonym("codes", address), openCodes(most)))
	}
	if err := s.count(ctx, ops...); err != nil {
		return err
	}
	s.capacity.created(p, address)
	if address != "" {
		s.gates.shared.Tell(ctx, s.lately.note(address))
	}
	return nil
}

// maySee counts a look at one code, on this node alone: a question to the
// store costs no less than the look.
func (s *Server) maySee(what string) error {
	answers, err := s.gates.checks.Do(context.Background(), tally.Take(what, perSecond(s.gates.CheckRate)))
	return cmp.Or(err, refusalOf(answers))
}

// isTooMany reports whether err is a refusal for what was done lately.
func isTooMany(err error) bool { return errors.Is(err, errTooMany) }
