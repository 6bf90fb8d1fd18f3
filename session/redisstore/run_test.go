package redisstore_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/session"
)

func TestBusRunsOnce(t *testing.T) {
	st := open(t, redistest.Start(t).URL())
	bus := st.Bus()
	if bus.Age() != math.MaxInt64 {
		t.Errorf("age %v before it ran", bus.Age())
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { bus.Run(ctx, func(session.Snapshot, error) {}) })
	redistest.Eventually(t, promised, "the bus receives its probe", func() bool { return bus.Age() < time.Second })
	if err := bus.Run(ctx, nil); err == nil {
		t.Error("it ran twice")
	}
	cancel()
	run.Wait()
	if err := bus.Subscribe(t.Context(), session.NewID()); err == nil {
		t.Error("subscribed after Run returned")
	}
}

func TestListenNotifiesOfMessagesAndOfConnections(t *testing.T) {
	server := redistest.Start(t)
	bus := open(t, server.URL()).Bus()
	notified := wakeup.New()
	bus.Listen("doc", notified.Set)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { bus.Run(ctx, func(session.Snapshot, error) {}) })
	defer run.Wait()
	defer cancel()
	await := func(what string) {
		t.Helper()
		select {
		case <-notified:
		case <-time.After(15 * time.Second):
			t.Fatalf("not notified %s", what)
		}
	}
	await("when connected")
	server.Do("PUBLISH", "test:doc", "1")
	await("of a message")
	server.CutPubSub()
	await("after the connection was lost")
}
