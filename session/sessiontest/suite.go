// Package sessiontest is the law of session in executable form: one suite that
// every backend passes over two nodes on one storage, and a backend that
// fails, stalls or repeats itself on command for the tests of those above.
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

// Node is what one process has of a storage.
type Node struct {
	Store session.Store
	Bus   session.Bus
}

// Storage is an empty storage with two nodes over it, and what the suite must
// do to it behind the nodes' backs.
type Storage struct {
	A, B Node

	// Cut severs the connections over which the nodes hear announcements;
	// nil where there are none.
	Cut func()
	// Save remembers how the storage holds a code, and returns what puts
	// that back without announcing it, as a failover that lost writes does;
	// nil where writes cannot be lost.
	Save func(id session.ID) (restore func())
	// Forget removes a code without a word.
	Forget func(id session.ID)
	// Life is how long the storage will go on holding a code by itself:
	// negative for ever, 0 if it holds none.
	Life func(id session.ID) time.Duration
}

// patience is how long the suite waits for what must come: ten times what the
// slowest rebuilding of a connection takes.
const patience = 30 * time.Second

// Run runs the suite; open makes a storage that t cleans up.
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
		{"EachWrongNumberCounts", (*suite).eachWrongNumberCounts},
		{"WrongNumbersEndACodeOnce", (*suite).wrongNumbersEndACodeOnce},
		{"OneRedeemWins", (*suite).oneRedeemWins},
		{"SwapTwiceIsDoneOnceAndSaysSo", (*suite).swapTwiceIsDoneOnce},
		{"IdenticalSwapsHaveOneWinner", (*suite).identicalSwapsHaveOneWinner},
		{"NoSwapAfterTheEnd", (*suite).noSwapAfterTheEnd},
		{"NothingHappensWhenTheContextIsOver", (*suite).nothingOnceContextIsOver},
		{"TimeEndsACode", (*suite).timeEndsACode},
		{"EveryCodeHasAnEndOfLife", (*suite).everyCodeHasAnEndOfLife},
		{"StoredIsAnnouncedToEveryNode", (*suite).storedIsAnnounced},
		{"RefusedIsSilent", (*suite).refusedIsSilent},
		{"StateFollowsEachSubscribe", (*suite).stateFollowsEachSubscribe},
		{"StateFollowsAReconnect", (*suite).stateFollowsAReconnect},
		{"GoneIsTold", (*suite).goneIsTold},
		{"LostIsTold", (*suite).lostIsTold},
		{"OtherHistoryIsTold", (*suite).otherHistoryIsTold},
		{"TwoCodesNeverCross", (*suite).twoCodesNeverCross},
		{"UnsubscribedIsSilent", (*suite).unsubscribedIsSilent},
		{"RunEndsWithItsContext", (*suite).runEndsWithItsContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
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

// New returns a session as a server makes it, which lives for ttl.
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

// race calls do n times at once, by turns for node A and B, and returns how
// many succeeded; each error must be among refusals.
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
			s.Errorf("a loser got %v", err)
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

// eventually polls until ok, for at most patience.
func (s *suite) eventually(what string, ok func() bool) {
	s.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			s.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
