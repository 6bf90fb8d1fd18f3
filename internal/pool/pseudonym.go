package pool

import (
	"encoding/base64"
	"strconv"
)

// Pseudonym returns a name for parts (a user, an address) for use in store keys. It is the
// same on every node: 22 base64url characters, 128 bits of an HMAC. Without the pool's
// secret the store's contents neither reveal the parts nor allow testing guesses, which
// matters because all addresses and user ids could be tried. A different secret gives
// different pseudonyms.
func (p *Pool) Pseudonym(parts ...string) string {
	return p.pseudonym(p.Secret.current(), parts)
}

// Pseudonyms returns the pseudonyms for parts under each value of the pool's secret, the
// current one first: during a rotation the store contains both.
func (p *Pool) Pseudonyms(parts ...string) []string {
	names := make([]string, len(p.Secret.values))
	for i, value := range p.Secret.values {
		names[i] = p.pseudonym(value, parts)
	}
	return names
}

func (p *Pool) pseudonym(value keys, parts []string) string {
	text := strconv.AppendQuote(append(make([]byte, 0, 128), '['), p.ID)
	for _, part := range parts { // quoted, so that different lists have different texts
		text = strconv.AppendQuote(append(text, ' '), part)
	}
	return base64.RawURLEncoding.EncodeToString(value.name.sum(append(text, ']'))[:16])
}

// Pseudonym returns a pseudonym for parts that belong to no pool. It uses the secret of the
// first pool in the configuration; "" if there is none.
func (r *Registry) Pseudonym(parts ...string) string {
	all := r.All()
	if len(all) == 0 {
		return ""
	}
	return all[0].Pseudonym(append([]string{""}, parts...)...)
}

// Pseudonyms returns the pseudonyms for parts that belong to no pool under each value of that
// secret, the current one first.
func (r *Registry) Pseudonyms(parts ...string) []string {
	all := r.All()
	if len(all) == 0 {
		return nil
	}
	return all[0].Pseudonyms(append([]string{""}, parts...)...)
}
