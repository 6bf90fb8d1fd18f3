package server

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
		if _, err := json.Marshal(statusData(state)); err != nil {
			b.Fatal(err)
		}
	}
}
