package server

import (
	"cmp"
	"context"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// What networks may have of a pool's open codes (limits.codes_per_pool), as parts of
// it. IPv6 gives one customer 65,536 addresses that are counted by themselves, so
// that customer is counted too; IPv4 does not, and an IPv4 /24 can be a whole
// company or a carrier's subscribers, so it has no limit of its own.
const (
	subscriberPart = 20 // an IPv6 /56 may have 1/20 …
	networkPart    = 10 // … and a /48 1/10, both at least what one address may have
	// reservedCodesPart: 1/10 is only for networks (IPv4 /24, IPv6 /48) that
	// have few codes: whoever takes all the rest does not lock out the others.
	reservedCodesPart = 10
	fewPart           = 1000 // few is 1/1000, and at least one
)

// openCodesOf are the takes for one more code of a pool that most of may be open,
// and for the address that asks, which may have each.
func (s *Server) openCodesOf(address string, each, most int) []ratelimit.Op {
	ops := []ratelimit.Op{ratelimit.Allow(s.pools.Pseudonym("codes", ipaddr.Key(address)), openCodes(each))}
	if subscriber := ipaddr.Subscriber(address); subscriber != "" {
		ops = append(ops,
			ratelimit.Allow(s.pools.Pseudonym("codes", subscriber), openCodes(max(each, most/subscriberPart))),
			ratelimit.Allow(s.pools.Pseudonym("codes", ipaddr.Network(address)), openCodes(max(each, most/networkPart))))
	}
	return ops
}

// hasFew counts one more code of the network of address, and reports whether it
// has few of the pool's.
func (s *Server) hasFew(ctx context.Context, p *pool.Pool, address string, most int) bool {
	few := ratelimit.Allow(p.Pseudonym("few codes", ipaddr.Network(address)), openCodes(max(1, most/fewPart)))
	return s.count(ctx, few) == nil
}

// mayMakeFor is mayMake for a request; a site asks for all of its users, and is
// no address.
func (s *Server) mayMakeFor(c echo.Context, p *pool.Pool) error {
	address := c.RealIP()
	if site, proven := siteOf(c); proven && site.ID == p.ID {
		address = ""
	}
	if err := s.capacity.admit(p, address); err != nil {
		return err // changes counts the call
	}
	return s.mayMake(c.Request().Context(), p, address, owed(c)...)
}

// mayMake counts one more code of a pool and of the address, if any, that asks
// for it, along with what else is to be counted. It counts from the narrow to the wide,
// and a refusal ends it: a flood that its own limits refuse takes nothing of the pool's.
func (s *Server) mayMake(ctx context.Context, p *pool.Pool, address string, also ...ratelimit.Op) error {
	most := cmp.Or(p.Limits.CodesPerPool, s.gates.CodesPerPool)
	if address != "" {
		also = append(also, s.openCodesOf(address, cmp.Or(p.Limits.CodesPerAddress, s.gates.CodesPerAddress), most)...)
	}
	if err := s.count(ctx, also...); err != nil {
		return err
	}
	if address != "" && !s.hasFew(ctx, p, address, most) {
		if err := s.count(ctx, ratelimit.Allow(p.Pseudonym("codes of many"), openCodes(most-most/reservedCodesPart))); err != nil {
			return err
		}
	}
	if err := s.count(ctx, ratelimit.Allow(p.Pseudonym("codes"), openCodes(most))); err != nil {
		return err
	}
	s.capacity.created(p, address)
	if address != "" {
		s.gates.shared.Enqueue(ctx, s.lately.note(address))
	}
	return nil
}
