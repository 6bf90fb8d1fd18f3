package login

import (
	"cmp"
	"context"

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
	// reservedCodesPart: 1/10 is reserved for networks (IPv4 /24, IPv6 /48) that have few
	// codes: a caller that uses up the rest does not lock out the others.
	reservedCodesPart = 10
	fewPart           = 1000 // few is 1/1000, and at least one
)

// openCodesOf returns the operations that count one more code of the address that requests
// it, which may have each open, of a pool that may have most open.
func (s *Service) openCodesOf(address string, each, most int) []ratelimit.Op {
	ops := []ratelimit.Op{ratelimit.Allow(s.pools.Pseudonym("codes", ipaddr.Address(address)), openCodes(each))}
	if subscriber := ipaddr.Subscriber(address); subscriber != "" {
		ops = append(ops,
			ratelimit.Allow(s.pools.Pseudonym("codes", subscriber), openCodes(max(each, most/subscriberPart))),
			ratelimit.Allow(s.pools.Pseudonym("codes", ipaddr.Network(address)), openCodes(max(each, most/networkPart))))
	}
	return ops
}

// hasFew counts one more code of the address's network, and reports whether the network has
// few of the pool's codes.
func (s *Service) hasFew(ctx context.Context, p *pool.Pool, address string, most int) bool {
	few := ratelimit.Allow(p.Pseudonym("few codes", ipaddr.Network(address)), openCodes(max(1, most/fewPart)))
	return s.allow(ctx, few) == nil
}

// admit decides about a new code of a pool, and counts it along with the request. A site
// requests codes for all of its users, and is not counted by its address.
func (s *Service) admit(ctx context.Context, by *Caller, p *pool.Pool) error {
	address := by.IP
	if by.isSite && by.site.ID == p.ID {
		address = ""
	}
	if err := s.capacity.admit(p, address); err != nil {
		return err // EndChange counts the request
	}
	return s.countCode(ctx, p, address, by.takePending()...)
}

// countCode counts one more code of a pool and of the address, if any, that requests it,
// along with what else is to be counted. It counts from the narrowest to the widest limit,
// and a refusal ends it: a flood that its own limits refuse uses nothing of the pool's.
func (s *Service) countCode(ctx context.Context, p *pool.Pool, address string, also ...ratelimit.Op) error {
	most := cmp.Or(p.Limits.CodesPerPool, s.limits.CodesPerPool)
	if address != "" {
		also = append(also, s.openCodesOf(address, cmp.Or(p.Limits.CodesPerAddress, s.limits.CodesPerAddress), most)...)
	}
	if err := s.allow(ctx, also...); err != nil {
		return err
	}
	if address != "" && !s.hasFew(ctx, p, address, most) {
		if err := s.allow(ctx, ratelimit.Allow(p.Pseudonym("codes of many"), openCodes(most-most/reservedCodesPart))); err != nil {
			return err
		}
	}
	if err := s.allow(ctx, ratelimit.Allow(p.Pseudonym("codes"), openCodes(most))); err != nil {
		return err
	}
	s.capacity.created(p, address)
	if address != "" {
		s.limits.shared.Enqueue(ctx, s.history.CodeRequested(address))
	}
	return nil
}
