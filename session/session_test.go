package session

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestIDsAreUniqueAndParse(t *testing.T) {
	seen := make(map[ID]bool)
	for range 10_000 {
		id := NewID()
		if got, err := ParseID(string(id)); err != nil || got != id || seen[id] {
			t.Fatalf("%q: %v, seen %v", id, err, seen[id])
		}
		seen[id] = true
	}
}

// TestIDCharactersAreEquallyLikely counts characters: a rare one would make ids easier to
// guess.
func TestIDCharactersAreEquallyLikely(t *testing.T) {
	const ids, letters = 20_000, 62
	count := make(map[rune]int)
	for range ids {
		for _, letter := range string(NewID()) {
			count[letter]++
		}
	}
	if len(count) != letters {
		t.Errorf("%d different characters", len(count))
	}
	const expected = ids * IDLength / letters // with a standard deviation of 98
	for letter, n := range count {
		if n < expected*9/10 || n > expected*11/10 {
			t.Errorf("%c occurs %d times, expected %d", letter, n, expected)
		}
	}
}

func TestMalformedIDsAreNotFound(t *testing.T) {
	good := string(NewID())
	for _, text := range []string{"", good[1:], good + "a", good[1:] + "-", good[1:] + " ", good[1:] + "\x00", good[2:] + "é"} {
		if id, err := ParseID(text); !errors.Is(err, ErrNotFound) || id != "" {
			t.Errorf("%q: %q, %v", text, id, err)
		}
	}
}

func TestSnapshotContainsNoSecret(t *testing.T) {
	s := Session{
		ID: "id", Pool: "POOL", Status: Scanned, Payload: "PAYLOAD", Salt: []byte("SALT"), SecretID: "SECRET",
		Challenge: "CHALLENGE", Match: "MATCH", CookieHash: []byte("COOKIE"), CustomData: "CUSTOM", Client: Client{IP: "IP", UserAgent: "AGENT"},
		User: User{ID: "u", Nickname: "n", Photo: "p", Email: "EMAIL", Phone: "PHONE", Username: "NAME", More: map[string]any{"MORE": "MORE"}},
	}
	text, err := json.Marshal(s.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	if upper := strings.Trim(string(text), `{}`); strings.ContainsAny(strings.ReplaceAll(upper, "T00:00:00Z", ""), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t.Errorf("the snapshot contains %s", text)
	}
}

func TestBoundedUser(t *testing.T) {
	for _, id := range []string{"", strings.Repeat("x", 256), "\xff", "\ufffd", "a\ufffdb"} {
		if _, err := (User{ID: id}).Bounded(); !errors.Is(err, ErrUserID) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	for _, name := range []string{"\xff", "\ufffd", "a\ufffdb"} {
		if _, err := (User{ID: "1", Username: name}).Bounded(); !errors.Is(err, ErrUsername) {
			t.Errorf("username %q: %v", name, err)
		}
	}
	hidden := User{ID: "1", Username: "a\u202eb", Nickname: "a\u202e\nb\ufffd", Photo: "https://example.com/\u202ep.png", Email: "a@\u200bx", Phone: "+1\x00"}
	if got, err := hidden.Bounded(); err != nil || !reflect.DeepEqual(got, User{ID: "1", Nickname: "a b"}) {
		t.Errorf("hidden characters were kept: %+v, %v", got, err)
	}
	u := User{ID: "1", Nickname: strings.Repeat("é", 64), Photo: "https://example.com/p.png", Email: "a@example.com", More: map[string]any{"b": 1.0, "a": "x"}}
	got, err := u.Bounded()
	if err != nil || got.Nickname != u.Nickname || got.Photo != u.Photo || got.Email != u.Email || len(got.More) != 2 {
		t.Errorf("a user within the limits became %+v, %v", got, err)
	}
	for _, photo := range []string{"javascript:alert(1)", "data:image/png;base64,AA", "//x", "https://" + strings.Repeat("x", 1020), "https:///x", "x"} {
		if got, _ := (User{ID: "1", Photo: photo}).Bounded(); got.Photo != "" {
			t.Errorf("photo %.40q was kept", photo)
		}
	}
	if got, _ := (User{ID: "1", Nickname: strings.Repeat("é", 65)}).Bounded(); got.Nickname != strings.Repeat("é", 63)+"…" {
		t.Errorf("a nickname of 65 characters became %q", got.Nickname)
	}
}

func FuzzBoundedUserFitsIn4KiB(f *testing.F) {
	f.Add("id", "name", "nick", "https://example.com/x", "mail", "phone", "key", "value")
	f.Add("<", strings.Repeat("<", 255), strings.Repeat("&", 64), "http://x", strings.Repeat(">", 255), strings.Repeat("\x01", 255), "k", strings.Repeat("v", 5000))
	f.Fuzz(func(t *testing.T, id, username, nickname, photo, email, phone, key, value string) {
		u := User{ID: id, Username: username, Nickname: nickname, Photo: photo, Email: email, Phone: phone,
			More: map[string]any{key: value, key + "2": []any{value, 1.5}}}
		got, err := u.Bounded()
		if err != nil {
			return
		}
		text, err := json.Marshal(got)
		if err != nil || len(text) > maxUserBytes {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		if got.ID != id || !utf8.Valid(text) {
			t.Errorf("id %q became %q", id, got.ID)
		}
	})
}

func BenchmarkStep(b *testing.B) {
	s, c := at(Waiting), Change{Action: Scan, User: alice, TTL: 1}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Step(s, c, t0); err != nil {
			b.Fatal(err)
		}
	}
}
