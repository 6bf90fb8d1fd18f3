package webhook

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

var (
	t0    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	alice = session.User{ID: "alice", Nickname: "Alice", Photo: "https://example.com/a.png", Email: "alice@example.com", More: map[string]any{"department": "R&D"}}
)

// sessionAfter returns a code after steps one second apart, as it is an hour later: expired,
// unless it had ended.
func sessionAfter(t *testing.T, steps ...session.Action) session.Session {
	t.Helper()
	s := session.Session{
		ID: session.NewID(), Pool: "pool", Version: 1, Op: "op", Payload: "payload", CustomData: "custom", Client: session.Client{IP: "192.0.2.1"},
		Salt: []byte("0123456789abcdef"), SecretID: "secret", CookieHash: []byte("hash"), CreatedAt: t0, ExpiresAt: t0.Add(time.Minute),
	}
	for i, a := range steps {
		var err error
		if s, err = session.Step(s, session.Change{Action: a, User: alice, TTL: time.Minute}, t0.Add(time.Duration(i+1)*time.Second)); err != nil {
			t.Fatal(err)
		}
		s.Op = "op" // which Swap stores
	}
	return s.At(t0.Add(time.Hour))
}

func TestASessionContainsItsWholeHistory(t *testing.T) {
	for _, test := range []struct {
		steps []session.Action
		want  string
	}{
		{nil, "made expired"},
		{[]session.Action{session.Scan}, "made scanned expired"},
		{[]session.Action{session.Scan, session.Confirm}, "made scanned confirmed expired"},
		{[]session.Action{session.Scan, session.Confirm, session.Redeem}, "made scanned confirmed exchanged"},
		{[]session.Action{session.Scan, session.Cancel}, "made scanned canceled"},
		{[]session.Action{session.Withdraw}, "made withdrawn"},
		{[]session.Action{session.Scan, session.Withdraw}, "made scanned withdrawn"},
	} {
		s := sessionAfter(t, test.steps...)
		var got []string
		for i, tr := range transitionsOf(s) {
			got = append(got, strings.TrimPrefix(tr.Type, "code."))
			if tr.Data.Version != i+1 {
				t.Errorf("%v: %s has version %d", test.steps, tr.Type, tr.Data.Version)
			}
		}
		if text := strings.Join(got, " "); text != test.want || int64(len(got)) != s.Version {
			t.Errorf("%v: %s, want %s; version %d", test.steps, text, test.want, s.Version)
		}
	}
}

// A node that reads a code late sends the same messages as one that reads it after each step.
func TestMessagesDoNotDependOnWhenACodeIsRead(t *testing.T) {
	steps := []session.Action{session.Scan, session.Confirm, session.Redeem}
	id := session.NewID()
	read := func(n int) []transition {
		s := sessionAfter(t, steps[:n]...)
		s.ID = id
		return transitionsOf(s)
	}
	late := read(len(steps))
	for n := range steps {
		for i, early := range read(n)[:n+1] {
			if a, b := early.message(), late[i].message(); a != b {
				t.Errorf("after %d steps:\n%s\nlater:\n%s", n, a.Body, b.Body)
			}
		}
	}
}

func TestAStoredSessionGivesTheSameMessage(t *testing.T) {
	s := sessionAfter(t, session.Scan)
	s.ScannedAt = time.Now() // with nanoseconds, a zone and a monotonic reading
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var again session.Session
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if a, b := transitionsOf(s)[1].message(), transitionsOf(again)[1].message(); a != b {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestEachTransitionHasAUniqueID(t *testing.T) {
	seen := make(map[string]bool)
	check := func(s session.Session, from int) {
		for _, tr := range transitionsOf(s)[from:] {
			id := tr.message().ID
			if seen[id] || len(id) != 26 || strings.Contains(id, ".") {
				t.Errorf("%s of %s is %s", tr.Type, s.ID, id)
			}
			seen[id] = true
		}
	}
	first := sessionAfter(t, session.Scan, session.Confirm)
	check(first, 0)
	check(sessionAfter(t, session.Scan, session.Confirm), 0)
	first.ScannedAt = first.ScannedAt.Add(1) // the store lost the scan, and another followed
	first.ConfirmedAt = first.ConfirmedAt.Add(1)
	first.ExpiresAt = first.ExpiresAt.Add(1)
	check(first, 1)
}

func TestMessagesContainNoSecret(t *testing.T) {
	s := sessionAfter(t, session.Scan, session.Confirm)
	for _, tr := range transitionsOf(s) {
		body := tr.message().Body
		for _, secret := range []string{"alice@example.com", "department", "R&D", "custom", "payload", "192.0.2.1", "0123456789abcdef", "hash", `"secret`} {
			if strings.Contains(body, secret) {
				t.Errorf("%s is in the message %s", secret, body)
			}
		}
	}
	want := `{"type":"code.scanned","timestamp":"2026-01-02T03:04:06.000Z","data":{"pool":"pool","random":"` + string(s.ID) + `","version":2,` +
		`"user":{"id":"alice","nickname":"Alice","photo":"https://example.com/a.png"},"createdAt":"2026-01-02T03:04:05.000Z","scannedAt":"2026-01-02T03:04:06.000Z"}}`
	if got := transitionsOf(s)[1].message().Body; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
