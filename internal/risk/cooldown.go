package risk

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// A user who is shown one login after the other until they agree to one (MITRE ATT&CK
// T1621) enters a cool-down: after cancelsInRow cancels without a confirm between them, the
// next code can be scanned only after a pause, which doubles with each further cancel.
const (
	cancelsInRow = 3
	firstPause   = 5 * time.Second
	longestPause = 5 * time.Minute
	rowTime      = time.Hour // cancels further apart are not in a row
)

// pauseAfter returns the length of the cool-down after so many cancels in a row.
func pauseAfter(cancels int) time.Duration {
	if cancels < cancelsInRow {
		return 0
	}
	return min(firstPause<<min(cancels-cancelsInRow, 10), longestPause)
}

func cancelsKey(p *pool.Pool, user string) string  { return p.Pseudonym("cancels", user) }
func coolDownKey(p *pool.Pool, user string) string { return p.Pseudonym("pause", user) }

// Canceled records, without waiting, that a user canceled a code, and begins the cool-down that
// follows from it.
func (h *History) Canceled(ctx context.Context, p *pool.Pool, user string) {
	pause := func(results []ratelimit.Result) []ratelimit.Op {
		if pause := pauseAfter(results[0].Count); pause > 0 {
			return []ratelimit.Op{ratelimit.Allow(coolDownKey(p, user), ratelimit.Limit{Burst: 1, Period: pause})}
		}
		return nil
	}
	h.counts.EnqueueThen(ctx, pause, ratelimit.Incr(cancelsKey(p, user), rowTime))
}
