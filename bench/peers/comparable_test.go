package peers_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/bench/peers"
	"github.com/scanlogin/scanlogin/internal/process"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

// A peer that skipped what it is measured for would look too good.
func TestComparableServerChecksTokenAndRecord(t *testing.T) {
	const key = "the key of the phones' tokens, long enough"
	url := serveComparable(t, key)
	step := func(path, user, key string, ttl time.Duration) int {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "nickname": user, "exp": time.Now().Add(ttl).Unix()}).SignedString([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for i, one := range []struct {
		path, user, key string
		ttl             time.Duration
		want            int
	}{
		{"/confirm/code", "alice", key, time.Minute, 409}, // before the scan
		{"/scanned/code", "alice", "another key, which is as long as the other", time.Minute, 401},
		{"/scanned/code", "alice", key, -time.Minute, 401},
		{"/scanned/code", "", key, time.Minute, 401},
		{"/scanned/code", "alice", key, time.Minute, 200},
		{"/scanned/code", "bob", key, time.Minute, 409},
		{"/confirm/code", "bob", key, time.Minute, 409},
		{"/confirm/code", "alice", key, time.Minute, 200},
		{"/confirm/code", "alice", key, time.Minute, 409},
	} {
		if got := step(one.path, one.user, one.key, one.ttl); got != one.want {
			t.Errorf("request %d, %s by %q: %d, want %d", i+1, one.path, one.user, got, one.want)
		}
	}
}

// serveComparable runs the server and returns its address.
func serveComparable(t *testing.T, key string) string {
	redis := redistest.Start(t)
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- peers.Comparable(ctx, address, redis.URL(), key) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	ready := process.IsReady("http://" + address + "/readyz")
	for deadline := time.Now().Add(10 * time.Second); ready(t.Context()) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server does not start")
		}
	}
	return "http://" + address
}
