package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/session"
)

// Outcomes of the scripts.
const (
	outcomeNone    = "none"    // there is no record
	outcomeExists  = "exists"  // there is another record
	outcomeApplied = "applied" // the writes of a row were executed
	outcomeBefore  = "before"  // the operation was done before
)

// Create implements session.Store.
func (s *Store) Create(ctx context.Context, code session.Session) (session.Session, error) {
	if code.Op == "" {
		code.Op = session.NewOpID()
	}
	code = code.AsNew(code.Op)
	state, fixed, err := encodeNew(code)
	if err != nil {
		return session.Session{}, fmt.Errorf("create in redis: %w", err)
	}
	keepUntil := code.ExpiresAt.Add(session.Retention).UnixMilli()
	got, err := redisclient.Call(ctx, s.client, func(ctx context.Context) (answer, error) {
		return s.run(ctx, s.create, s.key(code.ID), string(code.Op), state, fixed, code.Payload, keepUntil, announceNew(code))
	})
	switch {
	case isFull(err):
		return session.Session{}, fmt.Errorf("create in redis: %w: %w", session.ErrFull, err)
	case err != nil:
		return session.Session{}, fmt.Errorf("create in redis: %w", err)
	case got.outcome == outcomeExists:
		return session.Session{}, fmt.Errorf("create in redis: %w", session.ErrStale)
	}
	return code, nil
}

// Apply implements session.Store. With redisclient.Options.WaitReplicas, a durable transition
// succeeds only if as many replicas acknowledge it. With too few in time it fails although
// it is done: the ticket is spent.
func (s *Store) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	type result struct {
		session session.Session
		outcome session.Outcome
	}
	args, err := transitionArgs(id, t)
	if err != nil {
		return session.Session{}, session.Refused, fmt.Errorf("apply in redis: %w", err)
	}
	got, err := redisclient.Call(ctx, s.client, func(ctx context.Context) (r result, err error) {
		r.session, r.outcome, err = s.applyOnce(ctx, id, t, args)
		if errors.Is(err, session.ErrNotFound) {
			r.session, r.outcome, err = s.applyPrevious(ctx, id, t)
		}
		return r, err
	})
	if err != nil {
		return session.Session{}, session.Refused, fmt.Errorf("apply in redis: %w", err)
	}
	return got.session, got.outcome, nil
}

// applyOnce runs apply.lua.
func (s *Store) applyOnce(ctx context.Context, id session.ID, t session.Transition, args []any) (session.Session, session.Outcome, error) {
	var acknowledged int64
	// A redeemed ticket must not become valid again after a failover. No rule of the
	// protocol depends on this, and no other backend has replicas.
	wait := t.Durable && s.client.WaitReplicas() > 0
	if wait {
		ctx = redisclient.AwaitReplicas(ctx, &acknowledged)
	}
	got, err := s.run(ctx, s.apply, s.key(id), args...)
	if err == nil && wait && got.isDone() {
		err = s.enoughReplicas(acknowledged)
	}
	if err != nil {
		return session.Session{}, session.Refused, s.missingIfInvalid(s.key(id), err)
	}
	found, err := s.sessionOf(id, got)
	switch {
	case err != nil:
		return session.Session{}, session.Refused, err
	case got.outcome == outcomeApplied:
		return found, session.Applied, nil
	case got.outcome == outcomeBefore:
		return found, session.AppliedBefore, nil
	}
	found = found.At(got.now)
	return found, t.WithoutWrite(found), nil
}

// enoughReplicas returns an error if fewer replicas than configured acknowledged a write.
func (s *Store) enoughReplicas(acknowledged int64) error {
	if want := s.client.WaitReplicas(); acknowledged < int64(want) {
		return fmt.Errorf("done, but only %d of %d replicas have it after %v", acknowledged, want, redisclient.ReplicaTimeout)
	}
	return nil
}

// Load implements session.Store. Times are those of Redis's clock, in whole milliseconds.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Session, error) {
	return redisclient.Call(ctx, s.client, func(ctx context.Context) (session.Session, error) {
		sent := time.Now()
		found, err := s.loaded(id, sent, s.load.Run(ctx, s.client, []string{s.key(id)}))
		if errors.Is(err, session.ErrNotFound) {
			return s.loadPrevious(ctx, id)
		}
		return found, err
	})
}

// result is the result of loading one of several sessions.
type result struct {
	session  session.Session
	err      error
	previous bool // the session is in a record of the previous release
}

// loadAll loads several sessions in one round trip, or two if some are missing or in records of
// the previous release. The error is one that concerns all of them.
func (s *Store) loadAll(ctx context.Context, ids []session.ID) ([]result, error) {
	return redisclient.Call(ctx, s.client, func(ctx context.Context) ([]result, error) {
		results := s.pipeline(ctx, ids)
		s.addPrevious(ctx, ids, results)
		return results, nil
	})
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
		r.session, r.err = s.loaded(ids[i], sent, cmd)
		if redis.HasErrorPrefix(r.err, "NOSCRIPT") { // Redis was restarted: Run sends the script's text
			r.session, r.err = s.loaded(ids[i], time.Now(), s.load.Run(ctx, s.client, []string{s.key(ids[i])}))
		}
	}
	return results
}

// loaded reads the answer of load.lua to a request for id that was sent at sent. An invalid
// record, written by another program or an incompatible version, counts as missing: reading
// it again would not help.
func (s *Store) loaded(id session.ID, sent time.Time, cmd *redis.Cmd) (session.Session, error) {
	got, err := s.answerOf(sent, cmd)
	if err != nil {
		if err = s.missingIfInvalid(s.key(id), err); !errors.Is(err, session.ErrNotFound) {
			err = fmt.Errorf("load from redis: %w", err)
		}
		return session.Session{}, err
	}
	found, err := s.sessionOf(id, got)
	if err != nil {
		return session.Session{}, err
	}
	return found.At(got.now), nil
}

// sessionOf returns the session in an answer as it is stored.
func (s *Store) sessionOf(id session.ID, got answer) (session.Session, error) {
	if got.outcome == outcomeNone {
		return session.Session{}, session.ErrNotFound
	}
	found, err := decode(id, got.values)
	if err != nil {
		return session.Session{}, s.reportInvalid(s.key(id), err)
	}
	return found, nil
}

// missingIfInvalid returns err, or ErrNotFound if the reason is that the key has another type.
func (s *Store) missingIfInvalid(key string, err error) error {
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return s.reportInvalid(key, err)
	}
	return err
}

// reportInvalid logs an invalid session record and returns ErrNotFound.
func (s *Store) reportInvalid(key string, reason error) error {
	if n := s.invalid.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		s.log.Warn("invalid session record in redis", "key", key, "reason", reason, "found", n)
	}
	return session.ErrNotFound
}

// answer is the answer of a script.
type answer struct {
	now     time.Time // Redis's clock
	outcome string
	values  []any // state, shown, rest, fixed and payload; only apply.lua and load.lua return them
}

// isDone reports whether the script did, now or before, what it was called for.
func (a answer) isDone() bool { return a.outcome == outcomeApplied || a.outcome == outcomeBefore }

func (s *Store) run(ctx context.Context, script *redis.Script, key string, args ...any) (answer, error) {
	sent := time.Now()
	return s.answerOf(sent, script.Run(ctx, s.client, []string{key}, args...))
}

// answerOf reads the answer to a request that was sent at sent.
func (s *Store) answerOf(sent time.Time, cmd *redis.Cmd) (answer, error) {
	parts, err := cmd.Slice()
	if err != nil {
		return answer{}, err
	}
	received := time.Now()
	if len(parts) >= 2 {
		ms, isClock := parts[0].(int64)
		outcome, isText := parts[1].(string)
		if isClock && isText {
			now := time.UnixMilli(ms)
			s.client.ObserveClock(sent, received, now)
			return answer{now, outcome, parts[2:]}, nil
		}
	}
	return answer{}, errors.New("unexpected answer from the script")
}

// Now implements session.Store: the client's estimate of Redis's clock. Before the first
// answer it is the local clock. A running bus keeps it accurate to about the duration of
// a round trip.
func (s *Store) Now() time.Time { return s.client.Now() }
