package redisstore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestErrorsDoNotShowThePassword(t *testing.T) {
	server := redistest.Start(t)
	server.Allow(redistest.LeastRights(t))
	_, err := open(t, "redis://app:hunter2@"+server.Addr()).Load(t.Context(), session.NewID())
	if err == nil || errors.Is(err, session.ErrNotFound) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestEachDocumentedRightIsNeeded(t *testing.T) {
	t.Parallel()
	t.Run("Single", func(t *testing.T) {
		socket := filepath.Join(t.TempDir(), "s")
		server := redistest.Start(t, "--unixsocket", socket)
		checkRights(t, server, redisclient.Options{URL: "unix://" + redistest.AppUser + socket}, redistest.LeastRights(t))
	})
	t.Run("Cluster", func(t *testing.T) {
		node := redistest.StartClusterNode(t)
		node.Do("CLUSTER", "ADDSLOTSRANGE", 0, redistest.Slots-1)
		redistest.Cluster{node}.Settle(t, node)
		rights := slices.DeleteFunc(redistest.LeastRights(t, "on a Cluster"), func(right string) bool {
			return right == "+asking" // needed while a slot moves, which has a test of its own
		})
		checkRights(t, node, redisclient.Options{URL: "redis://" + redistest.AppUser + node.Addr() + "?addr=" + node.Addr()}, rights)
	})
	t.Run("Options", func(t *testing.T) {
		server := redistest.Start(t)
		redistest.StartReplica(t, server)
		rights := redistest.LeastRights(t, "with `redis_wait_replicas`", "with a database other than 0", "with `client_name=`")
		checkRights(t, server, redisclient.Options{URL: "redis://" + redistest.AppUser + server.Addr() + "/1?client_name=me", WaitReplicas: 1}, rights)
	})
}

// checkRights checks that a user with these rights can do everything, and without any one
// of them cannot.
func checkRights(t *testing.T, server *redistest.Server, options redisclient.Options, rights []string) {
	t.Helper()
	options.Prefix = "test"
	server.Allow(rights)
	var err error
	for range 20 { // a new replica needs a second before it acknowledges
		if err = useEverything(t, server, options); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("with all rights: %v", err)
	}
	for i, right := range rights {
		server.Allow(slices.Delete(slices.Clone(rights), i, i+1))
		if err := useEverything(t, server, options); err == nil {
			t.Errorf("%s is not needed", right)
		}
	}
}

// useEverything does everything that a store and a bus do, and returns the first refusal.
func useEverything(t *testing.T, server *redistest.Server, options redisclient.Options) error {
	server.Do("SCRIPT", "FLUSH")
	o := observer{snapshots: make(chan session.Snapshot, 16), refused: make(chan error, 1)}
	client, err := redisclient.Open(options)
	if err != nil {
		return err
	}
	defer client.Close()
	st := redisstore.New(client, redisstore.Options{Log: slog.New(o)})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	bus := st.Bus()
	var run sync.WaitGroup
	run.Go(func() { bus.Run(ctx, func(s session.Snapshot, _ error) { o.snapshots <- s }) })
	defer run.Wait()
	defer cancel()

	code, err := st.Create(ctx, newCode(st))
	watch := func(id session.ID, version int64) {
		if err == nil {
			err = cmp.Or(bus.Subscribe(ctx, id), o.await(ctx, id, version))
		}
	}
	watch(code.ID, 1)
	for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		if err != nil {
			return err
		}
		if code, err = sessiontest.Step(ctx, st, code, by(a, code)); err == nil {
			err = o.await(ctx, code.ID, code.Version)
		}
	}
	err = cmp.Or(err, bus.Unsubscribe(ctx, code.ID))
	watch(session.NewID(), 0)
	watch(session.NewID(), 0) // its answer follows that to the unsubscribe
	if err == nil {
		_, err = st.Usage(ctx)
	}
	return cmp.Or(err, st.Check(ctx))
}

// observer receives what a bus delivers, and the first warning that it logs.
type observer struct {
	snapshots chan session.Snapshot
	refused   chan error
}

func (o observer) await(ctx context.Context, id session.ID, version int64) error {
	for {
		select {
		case s := <-o.snapshots:
			if s.ID == id && s.Version == version {
				return nil
			}
		case err := <-o.refused:
			return err
		case <-ctx.Done():
			return fmt.Errorf("version %d was not delivered", version)
		}
	}
}

func (o observer) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (o observer) WithAttrs([]slog.Attr) slog.Handler           { return o }
func (o observer) WithGroup(string) slog.Handler                { return o }

func (o observer) Handle(_ context.Context, r slog.Record) error {
	select {
	case o.refused <- errors.New(r.Message):
	default:
	}
	return nil
}
