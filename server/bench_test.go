package server

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"

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

// BenchmarkPictureParts compares a picture with the pattern alone, which is the
// library's work.
func BenchmarkPictureParts(b *testing.B) {
	text := `{"scene":"APP_AUTH","random":"` + strings.Repeat("x", session.IDLength) + `","userPoolId":"5fae2648201cfd526f0ec354",` +
		`"createdAt":"2026-01-02T03:04:05.678Z","expiresIn":120,"expireAt":"2026-01-02T03:06:05.678Z","customData":{}}`
	pattern := func(b *testing.B) matrix {
		code, err := qrcode.New(text, qrcode.Medium)
		if err != nil {
			b.Fatal(err)
		}
		return code.Bitmap()
	}
	b.Run("pattern", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			pattern(b)
		}
	})
	b.Run("first", func(b *testing.B) { // the pattern, kept, and its PNG
		p := newPictures()
		b.ReportAllocs()
		for b.Loop() {
			m, err := p.matrix(session.NewID(), text)
			if err == nil {
				_, err = p.png(m, defaultPicture)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	m := pattern(b)
	for name, size := range map[string]int{"png": defaultPicture, "largest png": maxPicture} {
		b.Run(name, func(b *testing.B) {
			p := newPictures()
			b.ReportAllocs()
			for b.Loop() {
				out, err := p.png(m, size)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(out)), "bytes/picture")
			}
		})
	}
	b.Run("svg", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.svg(defaultPicture)
		}
	})
}
