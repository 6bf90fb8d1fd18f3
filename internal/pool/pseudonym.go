package pool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Pseudonym stands for somebody or something outside, in keys of the store: the
// same for the same parts on each node, 22 base64url characters (128 bits of
// an HMAC). Who has the store but not the pool's secret can neither read it
// nor test a guess, as there are few enough addresses and user ids to try all.
// Another secret makes other pseudonyms.
func (p *Pool) Pseudonym(parts ...string) string {
	h := hmac.New(sha256.New, p.Secret.first().name)
	fmt.Fprintf(h, "%q", append([]string{p.ID}, parts...)) // quoted, so that no two lists read the same
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Pseudonym is a Pseudonym of what belongs to no pool, by the pool that the
// configuration names first; "" if there is none.
func (b *Book) Pseudonym(parts ...string) string {
	all := b.All()
	if len(all) == 0 {
		return ""
	}
	return all[0].Pseudonym(append([]string{""}, parts...)...)
}
