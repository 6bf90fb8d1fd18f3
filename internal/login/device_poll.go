package login

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// pollInterval is the least time between two polls of a device, and what each slow_down adds
	// (RFC 8628, 3.2 and 3.5).
	pollInterval = 5 * time.Second
	// pollLeeway is how much earlier a poll may arrive: a device measures the interval by its own
	// clock, and networks delay one poll less than the one before.
	pollLeeway = 500 * time.Millisecond
	// maxPollInterval bounds the interval of a device that never slows down.
	maxPollInterval = 5 * time.Minute
)

// Fields of the record of a device's polls.
const (
	pollLast     = "last"     // time of the last poll, Unix time, ms
	pollEvery    = "interval" // of the device, ms
	pollOp       = "op"       // of the poll, so that two polls in one millisecond differ
	pollAttempts = 10         // to record a poll, while other polls of the same device are recorded
)

// countPoll records a poll for a code that is not decided. It returns ErrPending, or ErrSlowDown
// if less than the interval has passed since the poll before, on whichever node that was; the
// interval is then five seconds longer for all nodes. The error is ErrUnavailable if the records
// do not answer.
func (s *Service) countPoll(ctx context.Context, code session.Session) error {
	name := pollName(code)
	result := ErrSlowDown // for more simultaneous polls than attempts
	err := s.withStore(ctx, func(ctx context.Context) error {
		records, err := s.records.Get(ctx, name)
		if err != nil {
			return err
		}
		stored := records[0]
		for range pollAttempts {
			next, isEarly := nextPoll(stored, s.records.Now())
			var done bool
			stored, done, err = s.records.Change(ctx, name, kv.Change{
				If:  map[string]string{pollOp: stored[pollOp]},
				Set: next, Expiry: code.ExpiresAt.Add(session.Retention),
			})
			if err != nil {
				return err
			}
			if done {
				if !isEarly {
					result = ErrPending
				}
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return result
}

// pollName returns the name of the record of a device's polls.
func pollName(code session.Session) string {
	return "device:poll:" + hex.EncodeToString(session.HashSecret(string(code.ID)))
}

// nextPoll returns the record after a poll at now, and whether that poll is too early.
func nextPoll(stored map[string]string, now time.Time) (next map[string]string, isEarly bool) {
	interval := pollInterval
	if ms, err := strconv.ParseInt(stored[pollEvery], 10, 64); err == nil {
		interval = time.Duration(ms) * time.Millisecond
	}
	if last, err := strconv.ParseInt(stored[pollLast], 10, 64); err == nil {
		isEarly = now.Sub(time.UnixMilli(last)) < interval-pollLeeway
	}
	if isEarly {
		interval = min(interval+pollInterval, maxPollInterval)
	}
	return map[string]string{
		pollLast: strconv.FormatInt(now.UnixMilli(), 10), pollEvery: strconv.FormatInt(interval.Milliseconds(), 10),
		pollOp: string(session.NewOpID()),
	}, isEarly
}
