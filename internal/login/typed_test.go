package login

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// TestATypedCodeOfAnotherCodeIsNotUsed has other codes own the first typed codes of a code.
func TestATypedCodeOfAnotherCodeIsNotUsed(t *testing.T) {
	records := kv.NewMemory()
	p := newPool(func(p *pool.Pool) { p.TypedCodes = true })
	f := newService(t, func(o *Options) { o.Records = records }, p)
	code, other := f.create(), f.create()
	typed := func() (string, error) {
		return f.TypedCode(t.Context(), View{Pool: p, Code: code, Rights: NewRights(p, code, Proof{BrowserKey: p.BrowserKey(code)})})
	}
	own := func(n int, expiry time.Time) {
		t.Helper()
		name := typedPrefix + p.TypedName(code, p.TypedCode(code, n))
		if err := records.Put(t.Context(), name, typedOwner, string(other.ID), expiry); err != nil {
			t.Fatal(err)
		}
	}
	own(0, code.ExpiresAt)
	for range 2 {
		if got, err := typed(); err != nil || got != p.TypedCode(code, 1) {
			t.Errorf("%q, %v", got, err)
		}
		own(0, time.Now().Add(-time.Second)) // the other code has ended: still the same one
	}
	if id, err := f.findTyped(t.Context(), p, p.TypedCode(code, 1)); id != code.ID || err != nil {
		t.Errorf("it belongs to %s, %v", id, err)
	}
	for n := range pool.TypedCodes {
		own(n, code.ExpiresAt)
	}
	if got, err := typed(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("all belong to another code: %q, %v", got, err)
	}
}

// TestATypedCodeIsFoundDuringARotation creates and resolves with each pair of adjacent secrets.
func TestATypedCodeIsFoundDuringARotation(t *testing.T) {
	const next = "the next secret of the first pool"
	steps := []pool.Secret{pool.NewSecret(poolSecret), pool.NewSecret(poolSecret, next), pool.NewSecret(next, poolSecret), pool.NewSecret(next)}
	records := kv.NewMemory()
	var nodes []*fixture
	for _, secret := range steps {
		nodes = append(nodes, newService(t, func(o *Options) { o.Records = records }, newPool(func(p *pool.Pool) { p.TypedCodes, p.Secret = true, secret })))
	}
	for i := range len(nodes) - 1 {
		for _, side := range [][2]*fixture{{nodes[i], nodes[i+1]}, {nodes[i+1], nodes[i]}} {
			code := side[0].create()
			view := View{Pool: side[0].pool, Code: code, Rights: Rights{IsBrowser: true}}
			typed, err := side[0].TypedCode(t.Context(), view)
			if err != nil {
				t.Fatal(err)
			}
			if id, err := side[1].findTyped(t.Context(), side[1].pool, typed); id != code.ID || err != nil {
				t.Errorf("step %d: %s, %v", i+1, id, err)
			}
			view.Pool = side[1].pool
			if again, err := side[1].TypedCode(t.Context(), view); again != typed || err != nil {
				t.Errorf("step %d: the other node has %q, %v", i+1, again, err)
			}
			d := decision{pool: side[0].pool, user: session.User{ID: "alice"}}
			shared := false
			for _, w := range side[0].guessOf(d).windows {
				d.pool = side[1].pool
				shared = shared || slices.Contains(side[1].guessOf(d).windows, w)
			}
			if !shared {
				t.Errorf("step %d: the nodes count guesses separately", i+1)
			}
		}
	}
	code := nodes[0].create()
	if _, err := nodes[3].TypedCode(t.Context(), View{Pool: nodes[3].pool, Code: code, Rights: Rights{IsBrowser: true}}); !errors.Is(err, session.ErrOver) {
		t.Errorf("with a secret that was removed: %v", err)
	}
}

func TestTypedCodesAreEvenlyDistributed(t *testing.T) {
	p := newPool(nil)
	counts := make(map[byte]int)
	code := session.Session{SecretID: p.Secret.ID()}
	const codes = 5_000
	for n := range codes {
		code.ID, code.Salt = session.NewID(), fmt.Append(nil, n)
		typed := p.TypedCode(code, n%pool.TypedCodes)
		if parsed, ok := pool.ParseTypedCode(typed); !ok || parsed != typed {
			t.Fatalf("%q is read as %q", typed, parsed)
		}
		for _, i := range []int{0, 1, 2, 3, 5, 6, 7, 8} {
			counts[typed[i]]++
		}
	}
	for letter, n := range counts { // 2,000 of each; 44 is one standard deviation
		if n < 1_700 || n > 2_300 {
			t.Errorf("%c occurs %d times", letter, n)
		}
	}
	if len(counts) != 20 {
		t.Errorf("%d letters", len(counts))
	}
}
