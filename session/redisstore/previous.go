package redisstore

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/session"
)

// Records of the previous release: a session as one JSON text, which previous_swap.lua replaces
// if its predecessor is stored. This file, previous_bus.go, the scripts previous_*.lua and
// their tests are deleted in the next release.

var (
	//go:embed previous_load.lua
	previousLoadScript string
	//go:embed previous_swap.lua
	previousSwapScript string
)

type previous struct {
	load, swap *redis.Script
	complete   func(session.Session) session.Session
}

func newPrevious(complete func(session.Session) session.Session) previous {
	if complete == nil {
		complete = func(s session.Session) session.Session { return s }
	}
	return previous{redis.NewScript(previousLoadScript), redis.NewScript(previousSwapScript), complete}
}

func (s *Store) previousKey(id session.ID) string { return s.client.Key("{" + string(id) + "}") }

func (s *Store) previousIDOf(key string) (session.ID, bool) { return idIn(key, s.client.Key("{")) }

func (s *Store) loadPrevious(ctx context.Context, id session.ID) (session.Session, error) {
	found, _, err := s.loadPreviousAt(ctx, id)
	return found, err
}

// loadPreviousAt also returns the time of Redis's clock at which the session was so.
func (s *Store) loadPreviousAt(ctx context.Context, id session.ID) (session.Session, time.Time, error) {
	sent := time.Now()
	return s.parsePrevious(id, sent, s.previous.load.Run(ctx, s.client, []string{s.previousKey(id)}))
}

// addPrevious loads the sessions that results do not have from records of the previous
// release, in one round trip.
func (s *Store) addPrevious(ctx context.Context, ids []session.ID, results []result) {
	sent := time.Now()
	pipe := s.client.Pipeline()
	cmds := make(map[int]*redis.Cmd)
	for i, r := range results {
		if errors.Is(r.err, session.ErrNotFound) {
			cmds[i] = s.previous.load.EvalSha(ctx, pipe, []string{s.previousKey(ids[i])})
		}
	}
	if len(cmds) == 0 {
		return
	}
	_, _ = pipe.Exec(ctx) // its error is that of one command; each is checked below
	for i, cmd := range cmds {
		r := &results[i]
		r.session, _, r.err = s.parsePrevious(ids[i], sent, cmd)
		if redis.HasErrorPrefix(r.err, "NOSCRIPT") {
			r.session, r.err = s.loadPrevious(ctx, ids[i])
		}
		r.previous = r.err == nil
	}
}

// parsePrevious reads the answer of previous_load.lua.
func (s *Store) parsePrevious(id session.ID, sent time.Time, cmd *redis.Cmd) (session.Session, time.Time, error) {
	got, err := s.answerOf(sent, cmd)
	if err != nil {
		if err = s.missingIfInvalid(s.previousKey(id), err); !errors.Is(err, session.ErrNotFound) {
			err = fmt.Errorf("load from redis: %w", err)
		}
		return session.Session{}, time.Time{}, err
	}
	if got.outcome == "" { // this script returns the record in its place
		return session.Session{}, got.now, session.ErrNotFound
	}
	var found session.Session
	d := json.NewDecoder(strings.NewReader(got.outcome))
	d.UseNumber() // keeps a claim's number as it is
	if err := d.Decode(&found); err != nil || found.ID != id || found.Version < 1 {
		return session.Session{}, got.now, s.reportInvalid(s.previousKey(id), err)
	}
	return s.previous.complete(found).At(got.now), got.now, nil
}

// previousAttempts bounds the retries of applyPrevious. Each retry means that another step was
// stored first, and a code has at most five: scanned, two wrong numbers, confirmed, redeemed.
const previousAttempts = 6

// applyPrevious is Apply on a record of the previous release: load, interpret, swap, and again
// if another step was stored first.
func (s *Store) applyPrevious(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	for range previousAttempts {
		found, now, err := s.loadPreviousAt(ctx, id)
		if err != nil {
			return session.Session{}, session.Refused, err
		}
		next, outcome := t.On(found, now)
		wait := t.Durable && s.client.WaitReplicas() > 0
		if outcome != session.Applied && !(outcome == session.AppliedBefore && wait) {
			return next, outcome, nil
		}
		switch err := s.swap(ctx, next, t.Op, wait); {
		case err == nil:
			return next, outcome, nil
		case !errors.Is(err, session.ErrStale) && !errors.Is(err, session.ErrOver):
			return session.Session{}, session.Refused, err
		}
	}
	return session.Session{}, session.Refused, fmt.Errorf("%w %d times", session.ErrStale, previousAttempts)
}

// swap writes next in a record of the previous release, as sessiontest.PreviousStore says. wait
// waits for replicas.
func (s *Store) swap(ctx context.Context, next session.Session, op session.OpID, wait bool) error {
	next.Op = op
	next.Grant, next.GrantHash, next.BrowserHash = "", nil, nil // as the previous release writes it
	record, err := encode(next)
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	message, err := json.Marshal(next.Snapshot())
	if err != nil {
		return fmt.Errorf("swap in redis: %w", err)
	}
	var acknowledged int64
	if wait {
		ctx = redisclient.AwaitReplicas(ctx, &acknowledged)
	}
	got, err := s.run(ctx, s.previous.swap, s.previousKey(next.ID), next.Version, string(op), redisclient.CeilMillis(next.ExpiresAt), record,
		redisclient.CeilMillis(next.ExpiresAt.Add(session.Retention)), message)
	if err == nil && wait && got.outcome == "done" {
		err = s.enoughReplicas(acknowledged)
	}
	switch {
	case err != nil:
		return fmt.Errorf("swap in redis: %w", err)
	case got.outcome == "stale":
		return session.ErrStale
	case got.outcome == "over":
		return session.ErrOver
	}
	return nil
}
