package risk

import (
	"context"
	"encoding/base64"
	"math"
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// History is what all nodes have recorded about addresses, browsers and users. Create it
// with NewHistory.
type History struct {
	pools  *pool.Registry
	counts *ratelimit.Batcher
	now    func() time.Time // the same on all nodes: the store's
}

// NewHistory returns the history that is kept in counts. now is the store's clock.
func NewHistory(pools *pool.Registry, counts *ratelimit.Batcher, now func() time.Time) *History {
	return &History{pools: pools, counts: counts, now: now}
}

// recent is the period over which the requested codes of an address are counted.
const recent = 10 * time.Minute

// period returns the key that counts the codes of an address in one period of time: the
// current one, or one before it.
func (h *History) period(address string, before int64) string {
	n := h.now().UnixNano()/int64(recent) - before
	return h.pools.Pseudonym("lately", ipaddr.Address(address), strconv.FormatInt(n, 10))
}

// CodeRequested returns the operation that records a code requested by an address.
func (h *History) CodeRequested(address string) ratelimit.Op {
	return ratelimit.Incr(h.period(address, 0), 2*recent)
}

// Known is what the history has about a user and the browser that requested a code. What
// is unknown is nil.
type Known struct {
	RecentCodes *int          // requested by the browser's address (of IPv6: its /64) in the last ten minutes
	Browser     *bool         // the user has confirmed for this browser before, as far back as the pool remembers
	CoolDown    time.Duration // the rest of the user's cool-down; 0: none
}

// Of returns what is known; the zero Known with an error that says why nothing is. It takes
// one round trip.
func (h *History) Of(ctx context.Context, p *pool.Pool, code session.Session, user string) (Known, error) {
	ops := []ratelimit.Op{
		ratelimit.Count(h.period(code.Client.IP, 0)), ratelimit.Count(h.period(code.Client.IP, 1)), ratelimit.Peek(coolDownKey(p, user)),
	}
	browser := browserName(code)
	if browser != "" { // otherwise it is never known
		ops = append(ops, ratelimit.Count(browserKey(p, user, browser)))
	}
	results, err := h.counts.Do(ctx, ops...)
	if err != nil {
		return Known{}, err
	}
	// All of the current period, and of the previous one the part that is still recent.
	passed := float64(h.now().UnixNano()%int64(recent)) / float64(recent)
	codes := results[0].Count + int(math.Round(float64(results[1].Count)*(1-passed)))
	known := Known{RecentCodes: &codes, CoolDown: results[2].RetryAfter}
	if browser != "" {
		isKnown := results[3].Count > 0
		known.Browser = &isKnown
	}
	return known, nil
}

// CoolDown returns the rest of a user's cool-down, 0 if there is none. It takes one round trip.
func (h *History) CoolDown(ctx context.Context, p *pool.Pool, user string) (time.Duration, error) {
	results, err := h.counts.Do(ctx, ratelimit.Peek(coolDownKey(p, user)))
	if err != nil {
		return 0, err
	}
	return results[0].RetryAfter, nil
}

// Confirmed records, without waiting, that a user confirmed a code: the browser becomes a
// known one, and the row of cancels ends.
func (h *History) Confirmed(ctx context.Context, p *pool.Pool, code session.Session) {
	user := code.User.ID
	ops := append(remember(p, user, browserName(code)), ratelimit.Reset(cancelsKey(p, user)), ratelimit.Reset(coolDownKey(p, user)))
	h.counts.Enqueue(ctx, ops...)
}

// remember returns the operations that make a browser one that the user has confirmed for;
// none if the pool or the browser is not remembered.
func remember(p *pool.Pool, user, browser string) []ratelimit.Op {
	if browser == "" || p.KnownBrowserTTL <= 0 {
		return nil
	}
	return []ratelimit.Op{ratelimit.Incr(browserKey(p, user, browser), p.KnownBrowserTTL).OwnedBy(p.Pseudonym("browsers", user))}
}

// browserName identifies the browser that requested a code by the hash of its cookie, as
// the code stores it; "" if it had none.
func browserName(code session.Session) string {
	return base64.RawURLEncoding.EncodeToString(code.CookieHash)
}

func browserKey(p *pool.Pool, user, browser string) string {
	return p.Pseudonym("browser", user, browser)
}
