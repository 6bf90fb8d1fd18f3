package audit_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// event returns a step by alice with a complete session.
func event(kind session.EventKind) session.Event {
	return session.Event{
		Kind: kind, Time: time.Date(2026, 11, 22, 10, 0, 0, 5e6, time.UTC), Pool: "p1", User: "alice", IP: "192.0.2.7", RequestID: "req-1",
		Code: session.Session{
			ID: "AbCdEfGhIjKlMnOpQrStUvWxYz0123", Salt: []byte("sixteen bytes ok"), SecretID: "abcdef01", CookieHash: []byte("hash of a cookie"),
			Payload: "the picture's text", CustomData: `{"x":"from anybody"}`, User: session.User{ID: "alice", Email: "alice@example.com"},
			Client: session.Client{IP: "192.0.2.1", UserAgent: "Browser/1.0"},
		},
	}
}

// running is a running trail and its log.
type running struct {
	*audit.Trail
	log  *asynctest.Buffer
	stop func() // ends it and waits
}

func run(t *testing.T, o audit.Options) *running {
	t.Helper()
	r := &running{log: new(asynctest.Buffer)}
	o.Log = slog.New(slog.NewTextHandler(r.log, nil))
	var err error
	if r.Trail, err = audit.Open(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	r.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(r.stop)
	return r
}

// written returns the lines for events.
func written(t *testing.T, o audit.Options, events ...session.Event) []string {
	t.Helper()
	out := new(asynctest.Buffer)
	o.File, o.Stdout = "-", out
	r := run(t, o)
	for _, e := range events {
		r.Observe(e)
	}
	r.stop()
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestLinesContainUserActionAndCode(t *testing.T) {
	withdrawn, refused := event(session.EventWithdrawn), event(session.EventRefused)
	withdrawn.User, withdrawn.RequestID = "", ""
	refused.User, refused.Call, refused.Reason = "bob", "scanned", "other_user"
	unknown := session.Event{Kind: session.EventRefused, Time: refused.Time, IP: "192.0.2.7", RequestID: "r", Call: "check", Reason: "no_code"}
	elsewhere := session.Event{Kind: session.EventRefused, Time: refused.Time, IP: "192.0.2.7", Reason: "no_route"}
	// code: printf %s AbCdEfGhIjKlMnOpQrStUvWxYz0123 | sha256sum | cut -c1-16
	want := []string{
		`{"time":"2026-11-22T10:00:00.005Z","event":"made","pool":"p1","code":"381f36713fa9e6ee","user":"alice","address":"192.0.2.7","agent":"Browser/1.0","request":"req-1"}`,
		`{"time":"2026-11-22T10:00:00.005Z","event":"scanned","pool":"p1","code":"381f36713fa9e6ee","user":"alice","address":"192.0.2.7","request":"req-1"}`,
		`{"time":"2026-11-22T10:00:00.005Z","event":"withdrawn","pool":"p1","code":"381f36713fa9e6ee","user":"alice","address":"192.0.2.7"}`,
		`{"time":"2026-11-22T10:00:00.005Z","event":"refused","pool":"p1","code":"381f36713fa9e6ee","user":"bob","address":"192.0.2.7","request":"req-1","call":"scanned","reason":"other_user"}`,
		`{"time":"2026-11-22T10:00:00.005Z","event":"refused","address":"192.0.2.7","request":"r","call":"check","reason":"no_code"}`,
	}
	got := written(t, audit.Options{}, event(session.EventMade), event(session.EventScanned), withdrawn, refused, unknown, elsewhere)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAdministratorsActionsAreWritten(t *testing.T) {
	out := new(asynctest.Buffer)
	r := run(t, audit.Options{File: "-", Stdout: out})
	at := event(session.EventMade).Time
	r.ObserveAdmin(audit.AdminAction{Time: at, Name: "change", Admin: "alice", IP: "192.0.2.7", Pool: "p1"})
	r.ObserveAdmin(audit.AdminAction{Time: at, Name: "login_refused", IP: "192.0.2.7"})
	r.stop()
	want := `{"time":"2026-11-22T10:00:00.005Z","event":"admin_change","pool":"p1","admin":"alice","address":"192.0.2.7"}
{"time":"2026-11-22T10:00:00.005Z","event":"admin_login_refused","address":"192.0.2.7"}
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out, want)
	}
}

// TestLinesContainNoSecretOfASession covers the inputs of derived secrets, and the code's id.
func TestLinesContainNoSecretOfASession(t *testing.T) {
	for _, kind := range []session.EventKind{session.EventMade, session.EventScanned, session.EventConfirmed, session.EventCanceled, session.EventWithdrawn, session.EventExchanged, session.EventRefused} {
		e := event(kind)
		e.Call = "scanned"
		line := written(t, audit.Options{}, e)[0]
		for _, kept := range []string{string(e.Code.ID), "sixteen", "c2l4dGVlbi", "abcdef01", "cookie", "picture", "anybody", "example.com"} {
			if strings.Contains(line, kept) {
				t.Errorf("%s contains %s", line, kept)
			}
		}
	}
}

// TestInputCannotForgeALine puts line breaks, terminal controls and bidirectional controls into
// all values that come from outside.
func TestInputCannotForgeALine(t *testing.T) {
	for _, evil := range []string{
		"x\n{\"event\":\"confirmed\"}", "x\r\n", `","event":"confirmed","x":"`, "\u2028\u2029\u0085\u000b", "\x1b[2J\x1b]0;x\x07", "\u009b2J", "\u202e\u2066", "\x7f\x00", "\xff\xfe",
		"\U0001f600", strings.Repeat("é", 10_000), strings.Repeat("\x00", 10_000),
	} {
		e := event(session.EventMade)
		e.Code.Client.UserAgent, e.User, e.RequestID, e.IP, e.Pool = evil, evil, evil, evil, evil
		lines := written(t, audit.Options{}, e)
		if len(lines) != 1 || len(lines[0]) > 16<<10 {
			t.Fatalf("%q: %d lines of %d bytes", evil[:3], len(lines), len(lines[0]))
		}
		if at := strings.IndexFunc(lines[0], func(r rune) bool { return r < ' ' || r > '~' }); at >= 0 {
			t.Errorf("%q: not printable at %d", evil[:3], at)
		}
		var r struct{ Event, Agent string }
		if err := json.Unmarshal([]byte(lines[0]), &r); err != nil || r.Event != "made" {
			t.Errorf("%q: %v, %+v", evil[:3], err, r)
		}
		if want := strings.ToValidUTF8(evil, "\ufffd"); len(evil) < 100 && evil != "\xff\xfe" && r.Agent != want {
			t.Errorf("%q became %q", evil, r.Agent)
		}
	}
}

func TestHashedAddressesDependOnAddressAndKey(t *testing.T) {
	hashOf := func(key, ip string) string {
		e := event(session.EventScanned)
		e.IP = ip
		line := written(t, audit.Options{HashAddresses: true, HashKey: []byte(key)}, e)[0]
		var r struct{ Address, AddressHash string }
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Address != "" || strings.Contains(line, ip) || len(r.AddressHash) != 16 {
			t.Errorf("%v: %s", err, line)
		}
		return r.AddressHash
	}
	const key = "a key of at least thirty-two bytes, given"
	same := hashOf(key, "192.0.2.7")
	if hashOf(key, "192.0.2.7") != same || hashOf(key, "::ffff:192.0.2.7") != same {
		t.Error("the same address has two hashes")
	}
	one, another := hashOf("", "192.0.2.7"), hashOf("", "192.0.2.7") // with a random key of each Trail
	if hashOf(key, "192.0.2.8") == same || hashOf(key+"!", "192.0.2.7") == same || one == another {
		t.Error("different inputs have the same hash")
	}
}

func TestLastReturnsTheNewestLines(t *testing.T) {
	trail := run(t, audit.Options{File: filepath.Join(t.TempDir(), "audit.jsonl")})
	for range 250 {
		trail.Observe(event(session.EventScanned))
	}
	trail.Observe(event(session.EventConfirmed))
	trail.stop()
	last := trail.Last()
	if len(last) != 200 || !strings.Contains(last[0], `"confirmed"`) || !strings.Contains(last[199], `"scanned"`) {
		t.Errorf("%d lines: %q", len(last), last)
	}
}
