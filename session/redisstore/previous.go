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

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/session"
)

// Load implements session.Store. Times are stored to the nanosecond; Redis's clock is
// read in milliseconds.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Session, error) {
	return redisclient.Call(ctx, s.client, func(ctx context.Context) (session.Session, error) {
		sent := time.Now()
		return s.parseSession(id, sent, s.load.Run(ctx, s.client, []string{s.key(id)}))
	})
}

// result is the result of loading one of several sessions.
type result struct {
	session session.Session
	err     error
}

// loadAll loads several sessions in one round trip. The error is one that concerns all
// of them.
func (s *Store) loadAll(ctx context.Context, ids []session.ID) ([]result, error) {
	return redisclient.Call(ctx, s.client, func(ctx context.Context) ([]result, error) { return s.pipeline(ctx, ids), nil })
}

func (s *Store) pipeline(ctx context.Context, ids []session.ID) []result {
	sent := time.Now()
	pipe := s.client.Pipeline()
	cmds := make([]*redis.Cmd, len(ids))
	for i, id := range ids {
		cmds[i] = s.load.EvalSha(ctx, pipe, []string{s.key(id)})
	}
	_, _ = pipe.Exec(ctx) // its error is that of one command; each is checked below
	results := make([]result, len(ids))
	for i, cmd := range cmds {
		r := &results[i]
		r.session, r.err = s.parseSession(ids[i], sent, cmd)
		if redis.HasErrorPrefix(r.err, "NOSCRIPT") { // Redis was restarted: Load sends the script's text
			r.session, r.err = s.Load(ctx, ids[i])
		}
	}
	return results
}

// parseSession reads the answer of previous_load.lua to a request for id that was sent at sent. An
// invalid record, written by another program or an incompatible version, counts as
// missing: reading it again would not help.
func (s *Store) parseSession(id session.ID, sent time.Time, cmd *redis.Cmd) (session.Session, error) {
	now, text, err := s.parseAnswer(sent, cmd)
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return session.Session{}, s.reportInvalid(id, err)
	}
	if err != nil {
		return session.Session{}, fmt.Errorf("load from redis: %w", err)
	}
	if text == "" {
		return session.Session{}, session.ErrNotFound
	}
	var found session.Session
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // keeps a claim's number as it is
	if err := d.Decode(&found); err != nil || found.ID != id || found.Version < 1 {
		return session.Session{}, s.reportInvalid(id, err)
	}
	return found.At(now), nil
}

// reportInvalid logs an invalid session record and returns ErrNotFound.
func (s *Store) reportInvalid(id session.ID, reason error) error {
	if n := s.invalid.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		s.log.Warn("invalid session record in redis", "key", s.key(id), "reason", reason, "found", n)
	}
	return session.ErrNotFound
}

// Swap implements session.Store. With redisclient.Options.WaitReplicas, a swap to Redeemed
// succeeds only if as many replicas acknowledge it. With too few in time it fails although
// it is done: the ticket is spent.
func (s *Store) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	next.Op = op
	record, err := encode(next)
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	announcement, err := json.Marshal(next.Snapshot())
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	// A redeemed ticket must not become valid again after a failover. No rule of the
	// protocol depends on this, and no other backend has replicas.
	wait := s.client.WaitReplicas() > 0 && next.Status == session.Redeemed
	outcome, err := redisclient.Call(ctx, s.client, func(ctx context.Context) (string, error) {
		return s.runSwap(ctx, wait, s.key(next.ID), next.Version, string(op), redisclient.CeilMillis(next.ExpiresAt), record,
			redisclient.CeilMillis(next.ExpiresAt.Add(session.Retention)), announcement)
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

// encode is json.Marshal without HTML escapes, which would turn one byte chosen by a
// browser into six. Decoders accept both.
func encode(s session.Session) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// runSwap runs previous_swap.lua and returns its outcome.
func (s *Store) runSwap(ctx context.Context, wait bool, key string, args ...any) (outcome string, err error) {
	var acknowledged int64
	if wait {
		ctx = redisclient.AwaitReplicas(ctx, &acknowledged)
	}
	sent := time.Now()
	_, outcome, err = s.parseAnswer(sent, s.swap.Run(ctx, s.client, []string{key}, args...))
	if want := s.client.WaitReplicas(); err == nil && wait && outcome == "done" && acknowledged < int64(want) {
		err = fmt.Errorf("done, but only %d of %d replicas have it after %v", acknowledged, want, redisclient.ReplicaTimeout)
	}
	return outcome, err
}

// Now implements session.Store: the client's estimate of Redis's clock. Before the first
// answer it is the local clock. A running bus keeps it accurate to about the duration of
// a round trip.
func (s *Store) Now() time.Time { return s.client.Now() }

// parseAnswer reads the answer of both scripts, Redis's clock and a text, to a request
// that was sent at sent.
func (s *Store) parseAnswer(sent time.Time, cmd *redis.Cmd) (now time.Time, text string, err error) {
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
			s.client.ObserveClock(sent, received, now)
			return now, text, nil
		}
	}
	return time.Time{}, "", errors.New("unexpected answer from the script")
}
