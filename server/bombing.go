package server

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// Who is made to look at one login after the other until they agree to one
// (MITRE ATT&CK T1621) is left in peace for a while: after cancelsInRow cancels
// without a confirm between them, the next code can be scanned after a pause
// only, which doubles with each further one.
const (
	cancelsInRow = 3
	firstPause   = 5 * time.Second
	longestPause = 5 * time.Minute
	rowTime      = time.Hour // cancels further apart are not in a row
)

// pauseAfter is how long a user is left in peace after so many cancels in a row.
func pauseAfter(cancels int) time.Duration {
	if cancels < cancelsInRow {
		return 0
	}
	return min(firstPause<<min(cancels-cancelsInRow, 10), longestPause)
}

// The keys by which a user is counted.
func userCalls(p *pool.Pool, user string) string { return p.Pseudonym("user", user) }
func cancels(p *pool.Pool, user string) string   { return p.Pseudonym("cancels", user) }
func pause(p *pool.Pool, user string) string     { return p.Pseudonym("pause", user) }

// mayStep counts a call of the user's phone.
func (s *Server) mayStep(c echo.Context, p *pool.Pool, user string) error {
	call := ratelimit.Allow(userCalls(p, user), perSecond(cmp.Or(p.Limits.UserRate, s.gates.UserRate)))
	return s.count(c.Request().Context(), append(owed(c), call)...)
}

// inPeace refuses a scan while the user is to be left in peace.
func inPeace(rest time.Duration) error {
	if rest <= 0 {
		return nil
	}
	return &refusal{
		problem: errTooMany, en: "The user canceled several times in a row: wait before the next scan",
		zh: "用户已连续多次取消，请稍后再扫码", retry: rest,
	}
}

// stepped notes what a user has decided. The decision is in the store: whatever
// becomes of the note, and whoever hangs up.
func (s *Server) stepped(ctx context.Context, p *pool.Pool, code session.Session) {
	user := code.User.ID
	switch code.Status {
	case session.Confirmed:
		s.gates.shared.Enqueue(ctx, append(s.lately.remember(p, user, browserName(code)), ratelimit.Reset(cancels(p, user)), ratelimit.Reset(pause(p, user)))...)
	case session.Canceled:
		if err := s.canceled(ctx, p, user); err != nil {
			s.quiet.Log(ctx, slog.LevelWarn, "cancel "+kindOf(err), "a cancel was not noted", "pool", p.ID, "error", err)
		}
	}
}

func (s *Server) canceled(ctx context.Context, p *pool.Pool, user string) error {
	answers, err := s.gates.shared.Do(ctx, ratelimit.Incr(cancels(p, user), rowTime))
	if err != nil {
		return err
	}
	if rest := pauseAfter(answers[0].Count); rest > 0 {
		_, err = s.gates.shared.Do(ctx, ratelimit.Allow(pause(p, user), ratelimit.Limit{Burst: 1, Period: rest}))
	}
	return err
}
