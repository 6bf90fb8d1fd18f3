package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/server"
)

// nextSecret replaces poolSecret.
const nextSecret = "test secret of the first pool, the next"

// vouch makes a call of the phone as a back end with a secret.
func (n *node) vouch(step, random, secret string) answer {
	n.Helper()
	return n.call("POST", "/"+step, map[string]any{"random": random, "user": map[string]any{"id": "alice"}}, "Authorization", basic("p1", secret))
}

// finish completes a login with a code by calls to two nodes, as a site with a secret.
func finish(c code, x, y *node, secret string) (user map[string]any) {
	x.Helper()
	x.vouch("scanned", c.random, secret).ok()
	y.vouch("confirm", c.random, secret).ok()
	ticket, _ := x.check(c)["ticket"].(string)
	if also := y.check(c)["ticket"]; ticket == "" || also != ticket {
		x.Fatalf("the browser is told the ticket %q here and %v there", ticket, also)
	}
	return y.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", secret)).ok()
}

// TestAPoolSecretCanBeRotatedDuringLogins applies the documented steps to one
// node after the other. Codes created before a step are used after it, on the node with the step and
// on the node without it.
func TestAPoolSecretCanBeRotatedDuringLogins(t *testing.T) {
	with := func(value string, others ...string) *pool.Pool {
		return newPool(t, func(p *pool.Pool) { p.Secret, p.Vouching = pool.NewSecret(value, others...), true })
	}
	a, b, _ := pair(t, nil, with(poolSecret))
	for _, step := range []struct {
		pool   *pool.Pool
		proofs []string // secrets that sites may use during the step
	}{
		{with(poolSecret, nextSecret), []string{poolSecret}},
		{with(nextSecret, poolSecret), []string{poolSecret, nextSecret}},
		{with(nextSecret), []string{nextSecret}},
	} {
		for _, moving := range []*node{a, b} {
			var before []code
			for range step.proofs {
				before = append(before, a.gene("p1"), b.gene("p1"))
			}
			moving.pools.Replace(step.pool)
			for i, proof := range step.proofs {
				finish(before[2*i], b, a, proof)
				finish(before[2*i+1], a, b, proof)
				finish(a.gene("p1"), b, a, proof)
				finish(b.gene("p1"), a, b, proof)
			}
		}
	}
	a.vouch("scanned", a.gene("p1").random, poolSecret).refused(401, 1001)
}

// TestASigningKeyCanBeRotatedWhileTokensAreVerified verifies each token with key sets
// that were fetched before the step from either node.
func TestASigningKeyCanBeRotatedWhileTokensAreVerified(t *testing.T) {
	was, next := newKey(t), newKey(t)
	var signers []*token.Signer
	a, b, _ := pair(t, func(o *server.Options) {
		g, err := token.NewSigner(was, "http://scan.example.com", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		o.PublicURL, o.Signer, signers = "http://scan.example.com", g, append(signers, g)
	}, newPool(t, func(p *pool.Pool) { p.Vouching = true }))
	steps := []func(g *token.Signer) error{
		func(g *token.Signer) error { return g.Replace(was, &next.PublicKey) },
		func(g *token.Signer) error { return g.Replace(next, &was.PublicKey) },
		func(g *token.Signer) error { return g.Replace(next) },
	}
	for i, step := range steps {
		kept := []jwkset.Storage{a.keySet(), b.keySet()}
		for _, signer := range signers {
			if err := step(signer); err != nil {
				t.Fatal(err)
			}
			for _, n := range []*node{a, b} {
				token := finish(n.gene("p1"), n, n, poolSecret)["token"].(string)
				for _, keys := range append(kept, a.keySet(), b.keySet()) {
					if _, err := verify(t, token, keys); err != nil {
						t.Errorf("step %d: %v", i+1, err)
					}
				}
			}
		}
	}
}

// TestPreviousSigningKeysArePublishedButNotUsed also removes the last key.
func TestPreviousSigningKeysArePublishedButNotUsed(t *testing.T) {
	was, next := newKey(t), newKey(t)
	g, err := token.NewSigner(next, "http://scan.example.com", time.Hour, &was.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, memNode(), func(o *server.Options) { o.Signer = g }, newPool(t, func(p *pool.Pool) { p.Vouching = true }))
	set := n.call("GET", "/.well-known/jwks.json", nil).raw
	if strings.Count(set, `"kid"`) != 2 || strings.Contains(set, `"d"`) {
		t.Errorf("key set: %s", set)
	}
	if err := g.Replace(nil, &was.PublicKey); err != nil {
		t.Fatal(err)
	}
	if u := finish(n.gene("p1"), n, n, poolSecret); u["token"] != nil {
		t.Error("a token is issued without a signing key")
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if g.Replace(next, &p384.PublicKey) == nil || g.Replace(p384) == nil {
		t.Error("a key on another curve was accepted")
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
