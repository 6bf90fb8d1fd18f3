package redisstore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// appUser stands before the host in the URL of who has but the least rights.
const appUser = "app:s%23cret@"

// leastRights are the rights that docs/redis.md names for everybody, and those
// for some of the further needs that it lists.
func leastRights(t testing.TB, needs ...string) []string {
	t.Helper()
	rights := documented(t, `(?m)^ACL SETUSER scanlogin on >\S+ (.*)$`)
	for _, need := range needs {
		rights += " " + documented(t, `(?m)^\* `+need+": `(.*)`$")
	}
	return strings.Fields(strings.ReplaceAll(rights, "scanlogin:", "test:"))
}

// documented is what the pattern's group matches in docs/redis.md.
func documented(t testing.TB, pattern string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(pattern).FindSubmatch(text)
	if match == nil {
		t.Fatalf("docs/redis.md has nothing like %s", pattern)
	}
	return string(match[1])
}

// rightsOnSentinel are the rights that docs/redis.md names for Sentinel's user.
func rightsOnSentinel(t testing.TB) []string {
	return strings.Fields(documented(t, `(?m)^ACL SETUSER lookup on >\S+ (.*)$`))
}

// allow gives appUser these rights and no others.
func allow(server *redistest.Server, rights []string) {
	args := []any{"ACL", "SETUSER", "app", "reset", "on", ">s#cret"}
	for _, right := range rights {
		args = append(args, right)
	}
	server.Do(args...)
}

func TestAWrongPasswordIsToldWithoutIt(t *testing.T) {
	server := redistest.Start(t)
	allow(server, leastRights(t))
	_, err := open(t, "redis://app:hunter2@"+server.Addr()).Load(t.Context(), session.NewID())
	if err == nil || errors.Is(err, session.ErrNotFound) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestNoneOfTheDocumentedRightsIsTooMuch(t *testing.T) {
	t.Parallel()
	t.Run("Single", func(t *testing.T) {
		socket := filepath.Join(t.TempDir(), "s")
		server := redistest.Start(t, "--unixsocket", socket)
		needsAll(t, server, redisstore.Options{URL: "unix://" + appUser + socket}, leastRights(t))
	})
	t.Run("Queue", func(t *testing.T) {
		server := redistest.Start(t)
		further := strings.Fields(documented(t, "(?m)^\\* with webhooks: `(.*)`$"))
		base := leastRights(t)
		for i := range further {
			allow(server, append(slices.Clone(base), slices.Delete(slices.Clone(further), i, i+1)...))
			if err := queueStory(t, server); err == nil {
				t.Errorf("%s is not needed", further[i])
			}
		}
		allow(server, append(base, further...))
		if err := queueStory(t, server); err != nil {
			t.Errorf("with all rights: %v", err)
		}
	})
	t.Run("Cluster", func(t *testing.T) {
		node := startClusterNode(t)
		node.Do("CLUSTER", "ADDSLOTSRANGE", 0, slots-1)
		cluster{node}.settle(t, node)
		rights := slices.DeleteFunc(leastRights(t, "on a Cluster"), func(right string) bool {
			return right == "+asking" // needed where a slot moves: there is a test of its own
		})
		needsAll(t, node, redisstore.Options{URL: "redis://" + appUser + node.Addr() + "?addr=" + node.Addr()}, rights)
	})
	t.Run("Further", func(t *testing.T) {
		server := redistest.Start(t)
		startReplica(t, server)
		rights := leastRights(t, "with `redis_wait_replicas`", "with a database other than 0", "with `client_name=`")
		needsAll(t, server, redisstore.Options{URL: "redis://" + appUser + server.Addr() + "/1?client_name=me", WaitReplicas: 1}, rights)
	})
}

// needsAll checks that the rights are enough, and not without any one of them.
func needsAll(t *testing.T, server *redistest.Server, options redisstore.Options, rights []string) {
	t.Helper()
	options.Prefix = "test"
	allow(server, rights)
	var err error
	for range 20 { // a new replica needs a second until it acknowledges
		if err = story(t, server, options); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("with all rights: %v", err)
	}
	for i, right := range rights {
		allow(server, slices.Delete(slices.Clone(rights), i, i+1))
		if err := story(t, server, options); err == nil {
			t.Errorf("%s is not needed", right)
		}
	}
}

// story lives through all that a store and a bus do, as somebody whose rights
// are in question, and returns what was refused first.
func story(t *testing.T, server *redistest.Server, options redisstore.Options) error {
	server.Do("SCRIPT", "FLUSH")
	w := witness{news: make(chan session.Snapshot, 16), refused: make(chan error, 1)}
	options.Log = slog.New(w)
	st, err := redisstore.Open(options)
	if err != nil {
		return err
	}
	defer st.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	bus := st.Bus()
	var run sync.WaitGroup
	run.Go(func() { bus.Run(ctx, func(s session.Snapshot, _ error) { w.news <- s }) })
	defer run.Wait()
	defer cancel()

	code, err := session.Create(ctx, st, newCode(st))
	watch := func(id session.ID, version int64) {
		if err == nil {
			err = cmp.Or(bus.Subscribe(ctx, id), w.await(ctx, id, version))
		}
	}
	watch(code.ID, 1)
	for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		if err != nil {
			return err
		}
		if code, err = session.Apply(ctx, st, code, by(a)); err == nil {
			err = w.await(ctx, code.ID, code.Version)
		}
	}
	err = cmp.Or(err, bus.Unsubscribe(ctx, code.ID))
	watch(session.NewID(), 0)
	watch(session.NewID(), 0) // is answered after the unsubscribing
	if err == nil {
		_, err = st.Usage(ctx)
	}
	return cmp.Or(err, st.Check(ctx))
}

// queueStory does all that a queue does, and returns what was refused first.
func queueStory(t *testing.T, server *redistest.Server) error {
	server.Do("SCRIPT", "FLUSH")
	server.Do("FLUSHALL")
	ctx, q := t.Context(), open(t, "redis://"+appUser+server.Addr()).Queue()
	lane := queue.Lane{Name: "story", Most: 10, Life: time.Minute}
	if err := q.Add(ctx, lane, "entry"); err != nil {
		return err
	}
	entries, err := q.Take(ctx, lane, 1, time.Minute)
	if err != nil {
		return err
	}
	id := entries[0].ID
	_, err = q.List(ctx, lane, 1)
	return cmp.Or(err, q.Hold(ctx, lane, time.Minute, id), q.Done(ctx, lane, id))
}

// witness is told what a bus delivers, and reads its log for the first warning.
type witness struct {
	news    chan session.Snapshot
	refused chan error
}

func (w witness) await(ctx context.Context, id session.ID, version int64) error {
	for {
		select {
		case s := <-w.news:
			if s.ID == id && s.Version == version {
				return nil
			}
		case err := <-w.refused:
			return err
		case <-ctx.Done():
			return fmt.Errorf("never heard of version %d", version)
		}
	}
}

func (w witness) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (w witness) WithAttrs([]slog.Attr) slog.Handler           { return w }
func (w witness) WithGroup(string) slog.Handler                { return w }

func (w witness) Handle(_ context.Context, r slog.Record) error {
	select {
	case w.refused <- errors.New(r.Message):
	default:
	}
	return nil
}
