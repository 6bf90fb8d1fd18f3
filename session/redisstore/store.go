package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/session"
)

// Load implements session.Store. Sessions are kept as they were stored, to the
// nanosecond; Redis's clock is read in milliseconds.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	sent := time.Now()
	return s.loaded(sent, s.load.Run(ctx, s.client, []string{s.name(id)}))
}

// result is what came of loading one of several codes.
type result struct {
	session session.Session
	err     error
}

// loadAll loads several codes in one round trip.
func (s *Store) loadAll(ctx context.Context, ids []session.ID) []result {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	sent := time.Now()
	pipe := s.client.Pipeline()
	cmds := make([]*redis.Cmd, len(ids))
	for i, id := range ids {
		cmds[i] = s.load.EvalSha(ctx, pipe, []string{s.name(id)})
	}
	_, _ = pipe.Exec(ctx) // its error is that of one command; each is looked at
	results := make([]result, len(ids))
	for i, cmd := range cmds {
		r := &results[i]
		r.session, r.err = s.loaded(sent, cmd)
		if redis.HasErrorPrefix(r.err, "NOSCRIPT") { // a new Redis: the first one by itself teaches it
			r.session, r.err = s.Load(ctx, ids[i])
		}
	}
	return results
}

// loaded reads load.lua's answer to a question asked at sent.
func (s *Store) loaded(sent time.Time, cmd *redis.Cmd) (session.Session, error) {
	now, text, err := s.answer(sent, cmd)
	if err != nil {
		return session.Session{}, fmt.Errorf("load from redis: %w", err)
	}
	if text == "" {
		return session.Session{}, session.ErrNotFound
	}
	var found session.Session
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // a claim's number stays as it was
	if err := d.Decode(&found); err != nil {
		return session.Session{}, fmt.Errorf("load from redis: %w", err)
	}
	return found.At(now), nil
}

// Swap implements session.Store.
func (s *Store) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	next.Op = op
	stored, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	announced, err := json.Marshal(next.Snapshot())
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	sent := time.Now()
	_, outcome, err := s.answer(sent, s.swap.Run(ctx, s.client, []string{s.name(next.ID)},
		next.Version, string(op), millis(next.ExpiresAt), stored,
		millis(next.ExpiresAt.Add(session.Memory)), announced))
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	switch outcome {
	case "stale":
		return session.ErrStale
	case "over":
		return session.ErrOver
	}
	return nil
}

// Now implements session.Store: the local clock, moved by what Redis's answers
// say of its own; so before the first answer it is just the local one. A bus
// that runs keeps it good to about the time of a round trip.
func (s *Store) Now() time.Time { return s.clock.now() }

// answer reads what both scripts return, Redis's clock and a text, to a
// question asked at sent.
func (s *Store) answer(sent time.Time, cmd *redis.Cmd) (now time.Time, text string, err error) {
	parts, err := cmd.Slice()
	if err != nil {
		return time.Time{}, "", err
	}
	received := time.Now()
	if len(parts) == 2 {
		ms, isClock := parts[0].(int64)
		text, isText := parts[1].(string)
		if isClock && isText {
			now = time.UnixMilli(ms)
			s.clock.observe(sent, received, now)
			return now, text, nil
		}
	}
	return time.Time{}, "", errors.New("unexpected answer from a script")
}

// millis rounds up to a millisecond since 1970. Redis's clock is read in whole
// milliseconds, so "now < millis(end)" in the script and now.Before(end) here
// are the same.
func millis(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }
