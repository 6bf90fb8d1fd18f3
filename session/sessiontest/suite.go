// Package sessiontest is the conformance suite of session: every backend passes it, with two
// nodes on one storage. It also has a backend that fails, stalls or repeats itself on
// command, for tests of other packages.
package sessiontest

import (
	"context"
	"errors"
	"slices"
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
	run(t, open, false, slices.Concat(bothReleases(), transitions(), newCodes()))
}

// RunPrevious runs the part of the suite that holds for records of the previous release, which
// CreatePrevious and ApplyPrevious write. The nodes' stores are PreviousStores.
func RunPrevious(t *testing.T, open func(t *testing.T) Storage) {
	run(t, open, true, append(bothReleases(), swaps()...))
}

// test is a test of the suite.
type test struct {
	name string
	run  func(*suite)
}

func run(t *testing.T, open func(t *testing.T) Storage, previous bool, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*timeout)
			t.Cleanup(cancel)
			test.run(&suite{T: t, ctx: ctx, Storage: open(t), previous: previous})
		})
	}
}

func bothReleases() []test {
	return []test{
		{"LoadReturnsWhatWasStored", (*suite).loadReturnsWhatWasStored},
		{"UnknownIsNotFound", (*suite).unknownIsNotFound},
		{"CreatedOnce", (*suite).createdOnce},
		{"OneScanWins", (*suite).oneScanWins},
		{"OneDecisionWins", (*suite).oneDecisionWins},
		{"EveryWrongNumberCounts", (*suite).everyWrongNumberCounts},
		{"WrongNumbersEndACodeOnce", (*suite).wrongNumbersEndACodeOnce},
		{"OneRedeemWins", (*suite).oneRedeemWins},
		{"NoStepAfterExpiry", (*suite).noStepAfterExpiry},
		{"ACanceledContextDoesNothing", (*suite).canceledContext},
		{"CodesExpire", (*suite).codesExpire},
		{"EveryRecordHasAnExpiry", (*suite).everyRecordHasAnExpiry},
		{"StoredIsAnnouncedToEveryNode", (*suite).storedIsAnnounced},
		{"RefusedStepsAreNotAnnounced", (*suite).refusedIsNotAnnounced},
		{"StateFollowsEachSubscribe", (*suite).stateFollowsEachSubscribe},
		{"StateFollowsAReconnect", (*suite).stateFollowsAReconnect},
		{"MissingCodesAreReported", (*suite).missingIsReported},
		{"LostVersionsAreReported", (*suite).lostIsReported},
		{"AnotherHistoryIsReported", (*suite).otherHistoryIsReported},
		{"CodesAreSeparate", (*suite).codesAreSeparate},
		{"UnsubscribedCodesAreNotDelivered", (*suite).unsubscribedIsNotDelivered},
		{"RunEndsWithItsContext", (*suite).runEndsWithItsContext},
	}
}

type suite struct {
	*testing.T
	Storage
	ctx      context.Context
	previous bool // CreatePrevious and ApplyPrevious instead of the store's methods
}

func (s *suite) create(ttl time.Duration) session.Session {
	s.Helper()
	made, err := s.make(s.A.Store, New(s.A.Store, ttl))
	if err != nil {
		s.Fatal(err)
	}
	return made
}

func (s *suite) apply(st session.Store, from session.Session, a session.Action, u session.User) session.Session {
	s.Helper()
	done, err := s.step(st, from, ChangeOf(from, a, u))
	if err != nil {
		s.Fatalf("%s: %v", a, err)
	}
	return done
}

// make creates a code.
func (s *suite) make(st session.Store, code session.Session) (session.Session, error) {
	if s.previous {
		code.Grant, code.GrantHash, code.BrowserHash = "", nil, nil
		return CreatePrevious(s.ctx, previous(st), code)
	}
	return st.Create(s.ctx, code)
}

// step applies a change to a loaded code, and returns a refusal as an error.
func (s *suite) step(st session.Store, from session.Session, c session.Change) (session.Session, error) {
	if s.previous {
		return ApplyPrevious(s.ctx, previous(st), from, c)
	}
	return Step(s.ctx, st, from, c)
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
