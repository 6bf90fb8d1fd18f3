package server

import (
	"context"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/internal/loglimit"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// lately knows what a phone's user may want to know of who is asking. It tells
// what all nodes have noted, and errs while the tally is away: what is not
// known is no zero.
type lately struct {
	pools *pool.Registry
	tally *ratelimit.Batcher
	now   func() time.Time // the same on all nodes: the store's
	log   *loglimit.Logger
}

// latelyTime is how long ago is lately.
const latelyTime = 10 * time.Minute

// slot names the count of an address in one of the spans of latelyTime into
// which time is cut: the one of now, or of some before.
func (l *lately) slot(address string, before int64) string {
	n := l.now().UnixNano()/int64(latelyTime) - before
	return l.pools.Pseudonym("lately", addressKey(address), strconv.FormatInt(n, 10))
}

// note counts a code that the address asked for.
func (l *lately) note(address string) ratelimit.Op {
	return ratelimit.Incr(l.slot(address, 0), 2*latelyTime)
}

// acquaintance is what is known of a user and of who asks for their login.
type acquaintance struct {
	codes   *int          // that the page's address (of IPv6 its /64) asked for in the last ten minutes
	browser *bool         // the user has confirmed for this browser before, as far back as the pool remembers
	rest    time.Duration // for which the user is to be left in peace
}

// of returns what is known; nothing if the tally does not answer.
func (l *lately) of(ctx context.Context, p *pool.Pool, code session.Session, user string) acquaintance {
	ops := []ratelimit.Op{ratelimit.Count(l.slot(code.Client.IP, 0)), ratelimit.Count(l.slot(code.Client.IP, 1)), ratelimit.Peek(pause(p, user))}
	browser := browserName(code)
	if browser != "" { // else it is never known
		ops = append(ops, ratelimit.Count(knownBrowser(p, user, browser)))
	}
	answers, err := l.tally.Do(ctx, ops...)
	if err != nil {
		l.log.Log(ctx, slog.LevelWarn, "lately "+kindOf(err), "not known how many codes an address asked for, and whether a user confirmed for a browser before", "error", err)
		return acquaintance{}
	}
	// Those of this span, and of those of the one before the share that is still within.
	passed := float64(l.now().UnixNano()%int64(latelyTime)) / float64(latelyTime)
	codes := answers[0].Count + int(math.Round(float64(answers[1].Count)*(1-passed)))
	known := acquaintance{codes: &codes, rest: answers[2].RetryAfter}
	if browser != "" {
		isKnown := answers[3].Count > 0
		known.browser = &isKnown
	}
	return known
}

// browserName is how the browser that asked for a code is remembered: by the
// hash of its cookie, as the code keeps it; "" if it had none.
func browserName(code session.Session) string { return base64url(code.CookieHash) }

// remember makes a browser one that the user has confirmed for; nothing is to be
// done where nothing is remembered.
func (l *lately) remember(p *pool.Pool, user, browser string) []ratelimit.Op {
	if browser == "" || p.KnownBrowserTTL <= 0 {
		return nil
	}
	return []ratelimit.Op{ratelimit.Incr(knownBrowser(p, user, browser), p.KnownBrowserTTL).OwnedBy(p.Pseudonym("browsers", user))}
}

func knownBrowser(p *pool.Pool, user, browser string) string {
	return p.Pseudonym("browser", user, browser)
}
