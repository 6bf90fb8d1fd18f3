// Package sessiontest is the conformance suite of session: every backend passes it, with two
// nodes on one storage. It also has a backend that fails, stalls or repeats itself on
// command, for tests of other packages.
package sessiontest

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Node is the access of one process to a storage.
type Node struct {
	Store session.Store
	Bus   session.Bus
}

// Storage is an empty storage with two nodes, and functions that change the storage without
// the nodes.
type Storage struct {
	A, B Node

	// Cut closes the connections over which the nodes receive announcements; nil if
	// there are none.
	Cut func()
	// Save saves the record of a code and returns a function that restores it without
	// an announcement, as a failover that lost writes does; nil if writes cannot be
	// lost.
	Save func(id session.ID) (restore func())
	// Forget removes a code without an announcement.
	Forget func(id session.ID)
	// TTL returns the time until the storage deletes a code: negative if it never will,
	// 0 if there is no such code.
	TTL func(id session.ID) time.Duration
}

// timeout is how long the suite waits for a condition: ten times the slowest reconnect.
const timeout = 30 * time.Second

// Run runs the suite. open creates a storage, which it cleans up with t.
func Run(t *testing.T, open func(t *testing.T) Storage) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"LoadReturnsWhatWasStored", (*suite).loadReturnsWhatWasStored},
		{"UnknownIsNotFound", (*suite).unknownIsNotFound},
		{"CreatedOnce", (*suite).createdOnce},
		{"OneScanWins", (*suite).oneScanWins},
		{"OneDecisionWins", (*suite).oneDecisionWins},
		{"EveryWrongNumberCounts", (*suite).everyWrongNumberCounts},
		{"WrongNumbersEndACodeOnce", (*suite).wrongNumbersEndACodeOnce},
		{"OneRedeemWins", (*suite).oneRedeemWins},
		{"ARepeatedSwapIsDoneOnceAndSucceeds", (*suite).repeatedSwap},
		{"IdenticalSwapsHaveOneWinner", (*suite).identicalSwapsHaveOneWinner},
		{"NoSwapAfterExpiry", (*suite).noSwapAfterExpiry},
		{"ACanceledContextDoesNothing", (*suite).canceledContext},
		{"CodesExpire", (*suite).codesExpire},
		{"EveryRecordHasAnExpiry", (*suite).everyRecordHasAnExpiry},
		{"StoredIsAnnouncedToEveryNode", (*suite).storedIsAnnounced},
		{"RejectedSwapsAreNotAnnounced", (*suite).rejectedIsNotAnnounced},
		{"StateFollowsEachSubscribe", (*suite).stateFollowsEachSubscribe},
		{"StateFollowsAReconnect", (*suite).stateFollowsAReconnect},
		{"MissingCodesAreReported", (*suite).missingIsReported},
		{"LostVersionsAreReported", (*suite).lostIsReported},
		{"AnotherHistoryIsReported", (*suite).otherHistoryIsReported},
		{"CodesAreSeparate", (*suite).codesAreSeparate},
		{"UnsubscribedCodesAreNotDelivered", (*suite).unsubscribedIsNotDelivered},
		{"RunEndsWithItsContext", (*suite).runEndsWithItsContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*timeout)
			t.Cleanup(cancel)
			test.run(&suite{T: t, ctx: ctx, Storage: open(t)})
		})
	}
}

type suite struct {
	*testing.T
	Storage
	ctx context.Context
}

// New returns a session as a server creates it, which expires after ttl.
func New(st session.Store, ttl time.Duration) session.Session {
	now := st.Now()
	return session.Session{
		ID: session.NewID(), Pool: "pool", Payload: `{"scene":"APP_AUTH"}`,
		Salt: []byte("0123456789abcdef"), SecretID: "1", CookieHash: []byte("hash"), Challenge: "challenge", Match: session.MatchDigits,
		Client: session.Client{IP: "192.0.2.1", UserAgent: "test"},
		Count:  1, CreatedAt: now, ExpiresAt: now.Add(ttl),
	}
}

// Alice and Bob are users.
var (
	Alice = session.User{ID: "alice", Nickname: "Alice", Photo: "https://example.com/a.png", Email: "alice@example.com", More: map[string]any{"department": "R&D", "badge": json.Number("12345678901234567890")}}
	Bob   = session.User{ID: "bob", Nickname: "Bob"}
)

func (s *suite) create(ttl time.Duration) session.Session {
	s.Helper()
	made, err := session.Create(s.ctx, s.A.Store, New(s.A.Store, ttl))
	if err != nil {
		s.Fatal(err)
	}
	return made
}

func (s *suite) apply(st session.Store, from session.Session, a session.Action, u session.User) session.Session {
	s.Helper()
	done, err := session.Apply(s.ctx, st, from, session.Change{Action: a, User: u, TTL: time.Minute})
	if err != nil {
		s.Fatalf("%s: %v", a, err)
	}
	return done
}

func (s *suite) load(st session.Store, id session.ID) session.Session {
	s.Helper()
	got, err := st.Load(s.ctx, id)
	if err != nil {
		s.Fatalf("load: %v", err)
	}
	return got
}

// race calls do n times concurrently, alternately for node A and B, and returns the number
// of successes. Each error must be one of refusals.
func (s *suite) race(n int, do func(i int, st session.Store) error, refusals ...error) (won int) {
	s.Helper()
	start := make(chan struct{})
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		st := s.A.Store
		if i%2 == 1 {
			st = s.B.Store
		}
		wg.Go(func() {
			<-start
			errs[i] = do(i, st)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			won++
		} else if !isAny(err, refusals) {
			s.Errorf("unexpected error: %v", err)
		}
	}
	return won
}

func isAny(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// eventually polls until ok, for at most timeout.
func (s *suite) eventually(what string, ok func() bool) {
	s.Helper()
	for deadline := time.Now().Add(timeout); !ok(); {
		if time.Now().After(deadline) {
			s.Fatalf("timed out: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
