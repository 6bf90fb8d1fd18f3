package pool

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// macKey computes HMAC-SHA256 under one key. It keeps states for reuse: to begin with a new one costs
// two of the four blocks of a short message. Any goroutine may use it. The zero value has an empty key.
type macKey struct{ states *sync.Pool }

func newMACKey(key []byte) macKey {
	return macKey{&sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// isZero reports whether k is the zero value.
func (k macKey) isZero() bool { return k.states == nil }

// sum returns the HMAC of text.
func (k macKey) sum(text []byte) []byte {
	if k.isZero() {
		k = newMACKey(nil)
	}
	h := k.states.Get().(hash.Hash)
	defer k.states.Put(h)
	h.Reset()
	h.Write(text)
	return h.Sum(make([]byte, 0, sha256.Size))
}
