package redisstore

import (
	"bytes"
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
	return bounded(ctx, s, func(ctx context.Context) (session.Session, error) {
		sent := time.Now()
		return s.loaded(id, sent, s.load.Run(ctx, s.client, []string{s.name(id)}))
	})
}

// result is what came of loading one of several codes.
type result struct {
	session session.Session
	err     error
}

// loadAll loads several codes in one round trip; an error is that of all.
func (s *Store) loadAll(ctx context.Context, ids []session.ID) ([]result, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	return bounded(ctx, s, func(ctx context.Context) ([]result, error) { return s.pipeline(ctx, ids), nil })
}

func (s *Store) pipeline(ctx context.Context, ids []session.ID) []result {
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
		r.session, r.err = s.loaded(ids[i], sent, cmd)
		if redis.HasErrorPrefix(r.err, "NOSCRIPT") { // a new Redis: the first one by itself teaches it
			r.session, r.err = s.Load(ctx, ids[i])
		}
	}
	return results
}

// loaded reads load.lua's answer to a question about id asked at sent. What is
// no session (a stranger's, or of another version of this program) is none:
// nothing can become of it, and reading it again would not help.
func (s *Store) loaded(id session.ID, sent time.Time, cmd *redis.Cmd) (session.Session, error) {
	now, text, err := s.answer(sent, cmd)
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return session.Session{}, s.strange(id, err)
	}
	if err != nil {
		return session.Session{}, fmt.Errorf("load from redis: %w", err)
	}
	if text == "" {
		return session.Session{}, session.ErrNotFound
	}
	var found session.Session
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // a claim's number stays as it was
	if err := d.Decode(&found); err != nil || found.ID != id || found.Version < 1 {
		return session.Session{}, s.strange(id, err)
	}
	return found.At(now), nil
}

// strange logs that what is stored for a code is no session, and returns
// ErrNotFound.
func (s *Store) strange(id session.ID, reason error) error {
	if n := s.strangers.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		s.log.Warn("what redis holds for a code is no session", "key", s.name(id), "reason", reason, "found", n)
	}
	return session.ErrNotFound
}

// Swap implements session.Store. If Options.WaitReplicas ask for it, a swap to
// Redeemed succeeds only once as many replicas have it; if too few have it in
// time it fails though it is done, so that the ticket is spent for nothing.
func (s *Store) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	next.Op = op
	stored, err := encode(next)
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	announced, err := json.Marshal(next.Snapshot())
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	// What must not happen twice is what a failover must not forget. No rule
	// of the protocol depends on it, and no other backend has replicas.
	waits := s.replicas > 0 && next.Status == session.Redeemed
	outcome, err := bounded(ctx, s, func(ctx context.Context) (string, error) {
		return s.runSwap(ctx, waits, s.name(next.ID), next.Version, string(op), millis(next.ExpiresAt), stored,
			millis(next.ExpiresAt.Add(session.Retention)), announced)
	})
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

// encode is json.Marshal without the escapes for HTML, which make six bytes of one
// that a browser or a site's page has chosen. Decoders take either.
func encode(s session.Session) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// runSwap runs swap.lua, and returns its outcome.
func (s *Store) runSwap(ctx context.Context, waits bool, key string, args ...any) (outcome string, err error) {
	var acknowledged int64
	if waits {
		ctx = waiting(ctx, &acknowledged)
	}
	sent := time.Now()
	_, outcome, err = s.answer(sent, s.swap.Run(ctx, s.client, []string{key}, args...))
	if err == nil && waits && outcome == "done" && acknowledged < int64(s.replicas) {
		err = fmt.Errorf("done, but only %d of %d replicas have it after %v", acknowledged, s.replicas, replicaWait)
	}
	return outcome, err
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
