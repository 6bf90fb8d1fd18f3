package server

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/pool"
	"github.com/scanlogin/scanlogin/tally"
)

// lately knows what a phone's user may want to know of who is asking. It tells
// what all nodes have noted, and errs while the tally is away: what is not
// known is no zero.
type lately struct {
	pools *pool.Book
	tally *tally.Near
	now   func() time.Time // the same on all nodes: the store's
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
func (l *lately) note(address string) tally.Op {
	return tally.Note(l.slot(address, 0), 2*latelyTime)
}

// CodesLately returns how many codes an address (of IPv6 its /64) asked for in
// the last ten minutes: those of this span, and of those of the one before the
// share that is still within.
func (l *lately) CodesLately(ctx context.Context, address string) (int, error) {
	answers, err := l.tally.Do(ctx, tally.Noted(l.slot(address, 0)), tally.Noted(l.slot(address, 1)))
	if err != nil {
		return 0, err
	}
	passed := float64(l.now().UnixNano()%int64(latelyTime)) / float64(latelyTime)
	return answers[0].Count + int(math.Round(float64(answers[1].Count)*(1-passed))), nil
}

// KnownBrowser reports whether the user has confirmed for a browser before, as
// far back as the pool remembers. browser is what names it: the hash of its
// cookie, as the code keeps it; without one, it is never known.
func (l *lately) KnownBrowser(ctx context.Context, poolID, user, browser string) (bool, error) {
	p := l.pools.ByID(poolID)
	if p == nil || browser == "" {
		return false, nil
	}
	answers, err := l.tally.Do(ctx, tally.Noted(knownBrowser(p, user, browser)))
	return err == nil && answers[0].Count > 0, err
}

// remember makes a browser one that the user has confirmed for; nothing is to be
// done where nothing is remembered.
func (l *lately) remember(p *pool.Pool, user, browser string) []tally.Op {
	if browser == "" || p.KnownBrowserTTL <= 0 {
		return nil
	}
	return []tally.Op{tally.Note(knownBrowser(p, user, browser), p.KnownBrowserTTL)}
}

func knownBrowser(p *pool.Pool, user, browser string) string {
	return p.Pseudonym("browser", user, browser)
}
