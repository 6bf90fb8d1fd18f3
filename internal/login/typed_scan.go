package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// A typed code has 34 bits, so guesses must be limited exactly. With these limits and 1,000 open
// typed codes in a pool, a user finds somebody else's after 97 years on average, an address with
// many users after ten.
const guessTime = 10 * time.Minute

var (
	userGuesses    = ratelimit.Limit{Burst: 5, Period: guessTime}  // wrong typed codes of a user in a pool
	addressGuesses = ratelimit.Limit{Burst: 50, Period: guessTime} // … of a phone's address in all pools
)

// scanTyped is Scan with a typed code. Whatever is wrong with it, the error is ErrInvalidCode:
// a guesser must not learn that it exists. Everything that could refuse the user is checked
// before it is looked up.
func (s *Service) scanTyped(ctx context.Context, by *Caller, req PhoneRequest, typed string) (PhoneResult, error) {
	own, err := s.typedPool(by, req.Pool)
	if err != nil {
		return PhoneResult{}, err
	}
	if !own.TypedCodes {
		return PhoneResult{}, s.countFailure(ctx, by, ErrInvalidCode)
	}
	by.SetSubject(own, session.Session{})
	d := decision{pool: own, first: true}
	if d.user, err = s.identifyFor(ctx, by, req, own, d); err != nil {
		return PhoneResult{}, err
	}
	if err := s.countUser(ctx, by, own, d.user.ID); err != nil {
		return PhoneResult{}, err
	}
	if d.phone, err = phoneAddress(by, req); err != nil {
		return PhoneResult{}, err
	}
	if rest := s.coolDown(ctx, d); rest > 0 {
		return PhoneResult{}, TooMany{RetryAfter: rest, CoolDown: true}
	}
	guess := s.guessOf(d)
	if err := s.takeGuess(ctx, guess); err != nil {
		return PhoneResult{}, err
	}
	var result PhoneResult
	if d.id, err = s.findTyped(ctx, own, typed); err == nil {
		result, err = s.decide(ctx, by, d, session.Scan)
	}
	switch {
	case err == nil:
		s.giveBack(ctx, guess)
	case isRefusal(err), errors.Is(err, session.ErrNotFound):
		err = fmt.Errorf("%w: %v", ErrInvalidCode, err) // not wrapped: it is for the log
	}
	return result, s.countFailure(ctx, by, err)
}

// typedPool returns the pool in which a typed code is looked up: the named one, that of the
// caller's secret, or the only one.
func (s *Service) typedPool(by *Caller, name PoolName) (*pool.Pool, error) {
	own, named, err := s.FindPool(name)
	all := s.pools.All()
	switch {
	case named || err != nil:
		return own, err
	case by.isSite:
		return by.site, nil
	case len(all) == 1:
		return all[0], nil
	}
	return nil, FieldError{"userPoolId (or the header x-authing-userpool-id)", Required}
}

// guess is a typed code that a user tries, as the windows of user and address count it.
type guess struct {
	id      string
	windows []window
}

type window struct {
	key   string
	limit ratelimit.Limit
}

// guessOf returns the guess of a decision. It is counted under each value of the secret, so that
// nodes in adjacent steps of a rotation count together. A phone whose address is unknown is
// counted by its user.
func (s *Service) guessOf(d decision) guess {
	g := guess{id: string(session.NewOpID())}
	for _, key := range d.pool.Pseudonyms("typed guess", d.user.ID) {
		g.windows = append(g.windows, window{key, userGuesses})
	}
	if d.phone.IsValid() {
		for _, key := range s.pools.Pseudonyms("typed guess", ipaddr.Address(d.phone.String())) {
			g.windows = append(g.windows, window{key, addressGuesses})
		}
	}
	return g
}

// takeGuess counts a guess, or refuses it with TooMany. The error is ErrUnavailable if the counts
// do not answer: guesses are never counted on one node alone.
func (s *Service) takeGuess(ctx context.Context, g guess) error {
	ops := make([]ratelimit.Op, len(g.windows))
	for i, w := range g.windows {
		ops[i] = ratelimit.Take(w.key, w.limit, g.id)
	}
	var results []ratelimit.Result
	err := s.withStore(ctx, func(ctx context.Context) (err error) {
		results, err = s.guesses.Do(ctx, ops...)
		return err
	})
	if err != nil {
		return err
	}
	if err = tooMany(results); err != nil {
		s.giveBack(ctx, g) // one window may have counted it
	}
	return err
}

// giveBack uncounts a guess. If the counts do not answer, it stays counted.
func (s *Service) giveBack(ctx context.Context, g guess) {
	ops := make([]ratelimit.Op, len(g.windows))
	for i, w := range g.windows {
		ops[i] = ratelimit.GiveBack(w.key, g.id)
	}
	_ = s.withStore(context.WithoutCancel(ctx), func(ctx context.Context) error {
		_, err := s.guesses.Do(ctx, ops...)
		return err
	})
}
