package pool

import (
	"math/big"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// Typed codes have eight of 20 letters, as RFC 8628 6.1 recommends: no vowels, so that they are no
// words, and no digits. These are 34.5 bits; login limits guesses.
const (
	typedLetters = "BCDFGHJKLMNPQRSTVWXZ"
	typedLength  = 8
)

// TypedCodes is how many typed codes can be derived for a code. Another one than the first is
// used only if that belongs to another code.
const TypedCodes = 4

// TypedCode returns the n-th typed code for a code, as `WDJB-MJHT`, for n from 0 to
// TypedCodes-1. Like the ticket, it is derived from the code's salt, which is from
// crypto/rand, so each node derives the same one. It is "" as for Ticket.
func (p *Pool) TypedCode(s session.Session, n int) string {
	key := p.Secret.keysFor(s).typed
	if key.isZero() {
		return ""
	}
	// The bias of the remainders is less than one part in 2^200.
	sum := new(big.Int).SetBytes(p.sum(key, s, byte(n))) // #nosec G115 -- one of a few codes
	letters, digit := make([]byte, typedLength), new(big.Int)
	for i := range letters {
		sum.DivMod(sum, big.NewInt(int64(len(typedLetters))), digit)
		letters[i] = typedLetters[digit.Int64()]
	}
	return string(letters[:typedLength/2]) + "-" + string(letters[typedLength/2:])
}

// ParseTypedCode returns what a user typed as TypedCode writes it. Case, spaces and hyphens are
// ignored. ok is false if these are not eight letters; letters that no typed code has are
// accepted, so that a wrong one is treated like any other wrong code.
func ParseTypedCode(text string) (typed string, ok bool) {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, strings.TrimSpace(text))
	if len(text) != typedLength || strings.ContainsFunc(text, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return "", false
	}
	return text[:typedLength/2] + "-" + text[typedLength/2:], true
}

// TypedNames returns the names under which the store may have a typed code of the pool, one for
// each value of the secret. They do not reveal the typed code.
func (p *Pool) TypedNames(typed string) []string { return p.Pseudonyms("typed code", typed) }

// TypedName is the name for a typed code that TypedCode returned for s.
func (p *Pool) TypedName(s session.Session, typed string) string {
	return p.pseudonym(p.Secret.keysFor(s), []string{"typed code", typed})
}
