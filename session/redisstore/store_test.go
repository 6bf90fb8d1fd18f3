package redisstore_test

import (
	"context"
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// promised is the contract's bound for answers while Redis is away.
const promised = 2 * time.Second

func TestAWrongURLIsRefusedAndNotShown(t *testing.T) {
	for _, url := range []string{
		"", "hunter2", "http://hunter2@localhost", "redis://:hunter2@[::1", "redis://:1/hunter2@localhost",
		"redis://:a#hunter2@localhost", "redis://localhost/0?addr=u:hunter2@other:1", "redis://localhost?hunter2=1",
		"redis://:hunter2@localhost/zero", "unix://:hunter2@", "redis://localhost?master_name=", "redis://:hunter2%zz@localhost",
		"redis://:hunter2@localhost?read_timeout=1m", "rediss://:hunter2@localhost?skip_verify=true", "redis://:hunter2@localhost?master_name=m&replica_only=true",
	} {
		_, err := redisstore.Open(redisstore.Options{URL: url})
		if err == nil || !strings.HasPrefix(err.Error(), "redis_url: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := redisstore.Open(redisstore.Options{URL: "redis://localhost", Prefix: "a{b}"}); err == nil {
		t.Error("a prefix with braces, which would put all keys into one slot, was taken")
	}
}

func TestTheDocumentedAddressesAreTaken(t *testing.T) {
	text, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	addresses := regexp.MustCompile("(?m)^\\|.*\\| `(.*://.*)` \\|$").FindAllSubmatch(text, -1)
	for _, address := range addresses {
		open(t, string(address[1]))
	}
	if len(addresses) != 5 {
		t.Errorf("%d addresses", len(addresses))
	}
}

func TestOpenSucceedsAndCallsFailInTimeWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://127.0.0.1:1", "rediss://user:hunter2@127.0.0.1:1/3", "unix:///nowhere.sock",
		"redis://127.0.0.1:1?addr=127.0.0.1:2&addr=127.0.0.1:3",
		"redis://127.0.0.1:1?addr=127.0.0.1:2&master_name=main&password=hunter2",
	} {
		inTime(t, url, func() error {
			_, err := open(t, url).Load(t.Context(), session.NewID())
			return err
		})
	}
}

func TestCallsFailInTimeWhileNobodyAnswers(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // whose connections nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	address := "redis://" + silent.Addr().String()
	for _, query := range []string{"", "?addr=" + silent.Addr().String(), "?master_name=main"} {
		st := open(t, address+query)
		inTime(t, "load"+query, func() error { _, err := st.Load(t.Context(), session.NewID()); return err })
	}
}

func TestCallsFailInTimeWhileRedisIsFrozen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	st := open(t, server.URL())
	made := create(t, st)
	server.Stop()
	inTime(t, "load", func() error { _, err := st.Load(context.Background(), made.ID); return err })
	inTime(t, "swap", func() error { return st.Swap(context.Background(), made, "op") })
	server.Continue()
	eventually(t, promised, "redis answers again", func() bool { _, err := st.Load(t.Context(), made.ID); return err == nil })
}

func inTime(t *testing.T, what string, call func() error) {
	t.Helper()
	began := time.Now()
	err := call()
	if took := time.Since(began); took > busy*promised {
		t.Errorf("%s: an answer after %v", what, took)
	}
	if err == nil || errors.Is(err, session.ErrNotFound) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%s: %v", what, err)
	}
}

func TestScriptsComeBackAfterRedisForgotThem(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	made := create(t, st)
	server.Do("SCRIPT", "FLUSH")
	if _, err := st.Load(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	server.Do("SCRIPT", "FLUSH")
	create(t, st)
}

func TestEveryKeyHasAnEndOfLife(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	for range 20 {
		apply(t, st, create(t, st), session.Scan)
	}
	late := sessiontest.New(st, -session.Retention-time.Second)
	if _, err := session.Create(t.Context(), st, late); err != nil {
		t.Fatal(err)
	}
	keys := server.Do("KEYS", "*").([]any)
	const estimate = time.Second // the end is by an estimate of Redis's clock
	for _, k := range keys {
		if ms := server.Do("PTTL", k).(int64); ms <= 0 || ms > (time.Hour+session.Retention+estimate).Milliseconds() {
			t.Errorf("%v is kept for %d ms", k, ms)
		}
	}
	if len(keys) != 20 {
		t.Errorf("%d keys for 20 codes and one that was over long ago", len(keys))
	}
}

func TestAFullRedisKeepsAndAnnouncesNothing(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	heard := listen(t, st)
	code := create(t, st)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	server.Do("CONFIG", "SET", "maxmemory", 1)
	_, err := session.Apply(t.Context(), st, code, session.Change{Action: session.Withdraw})
	if err == nil {
		t.Fatal("a full Redis stored a version")
	}
	server.Do("CONFIG", "SET", "maxmemory", 0)
	if got := apply(t, st, code, session.Scan); got.Version != 2 {
		t.Errorf("version %d after what failed", got.Version)
	}
	heard.await(promised, code.ID, 2)
	if heard.heard(code.ID, func(d delivery) bool { return d.Status == session.Expired }) {
		t.Error("what was not stored was announced")
	}
}

func TestSessionsAreKeptToTheNanosecond(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	want := sessiontest.New(st, time.Minute)
	want.CreatedAt = want.CreatedAt.Truncate(time.Second).Add(123_456_789)
	want.ExpiresAt = want.CreatedAt.Add(time.Minute)
	if _, err := session.Create(t.Context(), st, want); err != nil {
		t.Fatal(err)
	}
	got, err := st.Load(t.Context(), want.ID)
	if err != nil || !got.CreatedAt.Equal(want.CreatedAt) || !got.ExpiresAt.Equal(want.ExpiresAt) {
		t.Errorf("%v %v, want %v %v (%v)", got.CreatedAt, got.ExpiresAt, want.CreatedAt, want.ExpiresAt, err)
	}
}

func BenchmarkLoad(b *testing.B) {
	st := open(b, redistest.Start(b).URL())
	made := create(b, st)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Load(b.Context(), made.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSwap(b *testing.B) {
	st := open(b, redistest.Start(b).URL())
	b.ReportAllocs()
	for b.Loop() {
		create(b, st)
	}
}
