package login

import (
	"cmp"
	"context"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// BeginChange authenticates and limits a request that creates or changes something. A site's
// back end, which makes the requests of all of its users from one address, is identified by
// the pool's secret and not limited by its address. The error is TooMany; then the request
// must not be handled. Otherwise EndChange must follow.
func (s *Service) BeginChange(ctx context.Context, by *Caller) error {
	if by.Credentials != nil {
		err := s.checkWrongSecrets(ctx, by)
		if err != nil {
			return err
		}
		if s.authenticate(ctx, by) {
			return nil
		}
		by.pending = s.wrongSecret(by)
	}
	call := s.callFrom(ipaddr.Address(by.IP))
	if wait := s.limits.shared.RetryAfter(call); wait > 0 {
		return TooMany{RetryAfter: wait}
	}
	by.pending = append(by.pending, call)
	return nil
}

// EndChange counts a request that failed with err, nil if it did not, before it was counted.
// It returns err, or TooMany.
func (s *Service) EndChange(ctx context.Context, by *Caller, err error) error {
	if ops := by.takePending(); len(ops) > 0 {
		return cmp.Or(s.allowEverywhere(ctx, ops...), err)
	}
	return err
}

// countUser counts a request of a user's phone.
func (s *Service) countUser(ctx context.Context, by *Caller, p *pool.Pool, user string) error {
	call := ratelimit.Allow(p.Pseudonym("user", user), perSecond(cmp.Or(p.Limits.UserRate, s.limits.UserRate)))
	return s.allow(ctx, append(by.takePending(), call)...)
}

// allow counts without waiting for other nodes: for what ordinary users do.
func (s *Service) allow(ctx context.Context, ops ...ratelimit.Op) error {
	return tooMany(s.limits.shared.AllowLocal(ctx, ops...))
}

// allowEverywhere counts and waits for the counts of the other nodes: for guesses.
func (s *Service) allowEverywhere(ctx context.Context, ops ...ratelimit.Op) error {
	return tooMany(s.limits.shared.Allow(ctx, ops...))
}

// countLook counts a look at one code, on this node only: to ask the storage of the counts
// would cost no less than the look.
func (s *Service) countLook(what string) error {
	results, err := s.limits.checks.Do(context.Background(), ratelimit.Allow(what, perSecond(s.limits.CheckRate)))
	return cmp.Or(err, tooMany(results))
}

// tooMany returns TooMany with the longest time to wait, nil if all was allowed.
func tooMany(results []ratelimit.Result) error {
	var longest time.Duration
	for _, r := range results {
		longest = max(longest, r.RetryAfter)
	}
	if longest > 0 {
		return TooMany{RetryAfter: longest}
	}
	return nil
}

// callFrom returns the operation that counts a call from an address.
func (s *Service) callFrom(address string) ratelimit.Op {
	return ratelimit.Allow(s.pools.Pseudonym("call", address), perSecond(s.limits.AddressRate))
}
