package wire

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// BenchmarkStatus is what a push costs beside the socket.
func BenchmarkStatus(b *testing.B) {
	now := time.Now()
	snap := session.Snapshot{
		ID: session.NewID(), Version: 2, Status: session.Scanned, UserID: "alice", Nickname: "Alice",
		Photo: "https://www.example.com/photos/alice.png", ExpiresAt: now.Add(time.Minute),
	}
	state := login.State{Snapshot: snap, Time: now, IsBrowser: true, ScannedUserID: "alice", MatchCode: "42"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(NewStatus(state)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSecondsLeftAreToTheMillisecond(t *testing.T) {
	now := time.Now()
	for left, want := range map[time.Duration]float64{
		-time.Second: 0, 0: 0, 1_234_567 * time.Microsecond: 1.235, time.Minute: 60,
	} {
		if got := secondsLeft(session.Snapshot{ExpiresAt: now.Add(left)}, now); got != want {
			t.Errorf("%v: %v, want %v", left, got, want)
		}
	}
	over := session.Snapshot{Status: session.Canceled, ExpiresAt: now.Add(time.Minute)}
	if got := secondsLeft(over, now); got != 0 {
		t.Errorf("of a code that has ended: %v", got)
	}
}
