package pool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

const value = "a secret of more than twenty-four bytes"

func newPool(id, secret string, others ...string) *pool.Pool {
	return &pool.Pool{ID: id, Secret: pool.NewSecret(secret, others...), AppIDs: []string{"app-" + id}, Origins: []string{"https://" + id + ".example.com"}}
}

func newCode(p *pool.Pool) session.Session {
	code, _ := p.WithHashes(session.Session{ID: session.NewID(), Pool: p.ID, Salt: []byte("0123456789abcdef"), SecretID: p.Secret.ID()})
	return code
}

func TestSecretsAreRedacted(t *testing.T) {
	s := pool.NewSecret("another one of more than twenty-four bytes", value)
	text, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "pool", newPool("p", value))
	of := fmt.Sprintf("%+v", newPool("p", value))
	for _, shown := range []string{string(text), log.String(), of} {
		if strings.Contains(shown, value) || strings.Contains(shown, fmt.Sprintf("%x", value)) {
			t.Errorf("a secret shows in %s", shown)
		}
	}
	// The derived keys, which are the only content, must not appear either.
	const redacted = "[redacted]"
	for _, shown := range []string{s.String(), fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%x", s), fmt.Sprintf("%d", s)} {
		if shown != redacted {
			t.Errorf("a secret shows as %s", shown)
		}
	}
	if !strings.Contains(string(text), redacted) || !strings.Contains(log.String(), `"secret":"`+redacted) || !strings.Contains(of, "Secret:"+redacted) {
		t.Errorf("a secret shows in %s, %s or %s", text, log.String(), of)
	}
}

func TestOnlyTheSecretMatches(t *testing.T) {
	s := pool.NewSecret(value)
	if !s.Matches(value) || s.Matches(value+"x") || s.Matches("") || (pool.Secret{}).Matches("") {
		t.Error("Matches is wrong")
	}
}

// TestDerivedValuesDependOnAllInputs changes one input at a time.
func TestDerivedValuesDependOnAllInputs(t *testing.T) {
	p := newPool("p", value)
	code := newCode(p)
	values := func(p *pool.Pool, code session.Session) [3]string {
		return [3]string{p.Ticket(code), p.BrowserKey(code), p.TokenID(code)}
	}
	seen := make(map[string]string)
	note := func(what string, vs [3]string) {
		for _, v := range vs {
			v = strings.TrimPrefix(v, string(code.ID)+".")
			if len(v) < 43 || seen[v] != "" {
				t.Errorf("%s: %q is the same as of %s", what, v, seen[v])
			}
			seen[v] = what
		}
	}
	note("the code", values(p, code))
	other := code
	other.Salt = []byte("another salt 16b")
	note("another salt", values(p, other))
	other = code
	other.ID = session.NewID()
	note("another code", values(p, other))
	note("another pool of the same secret", values(newPool("q", value), code))
	changed := newPool("p", value+"!")
	other = code
	other.SecretID = changed.Secret.ID()
	note("another secret", values(changed, other))
	if got := values(p, code); got != values(newPool("p", value), code) {
		t.Errorf("two nodes disagree: %v", got)
	}
	if got := values(changed, code); got != [3]string{} {
		t.Errorf("a secret that did not make the code derives %v", got)
	}
}

// isTicket reports whether a site of p can redeem a confirmed code with text.
func isTicket(p *pool.Pool, code session.Session, text string) bool {
	now := time.Now()
	code.Status, code.ExpiresAt = session.Confirmed, now.Add(time.Minute)
	redeem := session.Change{Action: session.Redeem, Pool: p.ID, Credential: p.Credential(text, "")}
	_, outcome := redeem.Transition().On(code, now)
	return outcome == session.Applied
}

// TestNodesInAdjacentRotationStepsAcceptEachOthersCodes also shows that skipping a step
// fails.
func TestNodesInAdjacentRotationStepsAcceptEachOthersCodes(t *testing.T) {
	const was, next = value + " was", value + " next"
	steps := []*pool.Pool{newPool("p", was), newPool("p", was, next), newPool("p", next, was), newPool("p", next)}
	made := func(p *pool.Pool) (session.Session, string) {
		code := newCode(p)
		return code, p.Ticket(code)
	}
	for i := range len(steps) - 1 {
		for _, side := range [][2]*pool.Pool{{steps[i], steps[i+1]}, {steps[i+1], steps[i]}} {
			code, ticket := made(side[0])
			if !isTicket(side[1], code, ticket) || !side[1].IsBrowserKey(code, side[0].BrowserKey(code)) || side[1].TokenID(code) != side[0].TokenID(code) {
				t.Errorf("step %d: a node does not know what another made", i+1)
			}
		}
	}
	for i, want := range []struct{ was, next bool }{{true, false}, {true, true}, {true, true}, {false, true}} {
		if s := steps[i].Secret; s.Matches(was) != want.was || s.Matches(next) != want.next {
			t.Errorf("step %d: proofs", i)
		}
	}
	if steps[1].Secret.ID() != steps[0].Secret.ID() || steps[2].Secret.ID() != steps[3].Secret.ID() {
		t.Error("it is not the first that makes codes")
	}
	code, ticket := made(steps[2])
	if isTicket(steps[0], code, ticket) {
		t.Error("a node accepts a value that it does not have")
	}
	code, ticket = made(steps[0])
	if isTicket(steps[3], code, ticket) || isTicket(steps[3], code, "") {
		t.Error("a value that was dropped is good")
	}
}

func TestTicketsAreRecognized(t *testing.T) {
	p := newPool("p", value)
	code := newCode(p)
	ticket := p.Ticket(code)
	if id, err := pool.TicketID(ticket); err != nil || id != code.ID || !isTicket(p, code, ticket) || !p.IsBrowserKey(code, p.BrowserKey(code)) {
		t.Errorf("ticket %q: %v, %v", ticket, id, err)
	}
	for _, text := range []string{"", ".", ticket[1:], ticket + "A", string(code.ID), string(code.ID) + ".", strings.Replace(ticket, ".", "-", 1)} {
		if _, err := pool.TicketID(text); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q may be a ticket: %v", text, err)
		}
		if isTicket(p, code, text) || p.IsBrowserKey(code, text) {
			t.Errorf("%q is one", text)
		}
	}
	var unmade session.Session
	if isTicket(p, unmade, "") || p.IsBrowserKey(unmade, "") {
		t.Error("nothing is the ticket of nothing")
	}
}

func TestMatchCodesAreTwoDigitsDerivedFromSecretAndSalt(t *testing.T) {
	p, code := newPool("p", value), newCode(newPool("p", value))
	if got := p.MatchCode(code); got != "" || p.IsMatchCode(code, "") {
		t.Errorf("a code that asks for none has %q", got)
	}
	code.Match = session.MatchDigits
	got := p.MatchCode(code)
	if got != newPool("p", value).MatchCode(code) || !p.IsMatchCode(code, got) || p.IsMatchCode(code, "") || p.IsMatchCode(code, got+"0") {
		t.Errorf("%q is not the number of the code, on each node", got)
	}
	if got := newPool("p", value+"!").MatchCode(code); got != "" || newPool("p", value+"!").IsMatchCode(code, "") {
		t.Errorf("a secret that did not make the code derives %q", got)
	}
	const codes = 18_000 // 200 of each number; less than 100 has a chance below 10^-10
	counts := make(map[string]int)
	for range codes {
		code.ID = session.NewID()
		counts[p.MatchCode(code)]++
	}
	for n := 10; n <= 99; n++ {
		if c := counts[fmt.Sprint(n)]; c < 100 || c > 350 {
			t.Errorf("%d of %d codes have the number %d", c, codes, n)
		}
	}
	if len(counts) != 90 {
		t.Errorf("there are %d numbers", len(counts))
	}
}

func TestRegistryFindsAndReplacesPools(t *testing.T) {
	a, b := newPool("a", value), newPool("b", value)
	registry := pool.NewRegistry(a, b)
	if registry.ByID("a") != a || registry.ByApp("app-b") != b || registry.ByID("app-a") != nil || !registry.AllowsOrigin("https://a.example.com") {
		t.Error("the registry does not find what is in it")
	}
	if a.AllowsOrigin("https://b.example.com") || !a.AllowsVouching() {
		t.Error("pool a")
	}
	registry.Replace(b)
	if registry.ByID("a") != nil || registry.AllowsOrigin("https://a.example.com") || len(registry.All()) != 1 {
		t.Error("what was replaced is still there")
	}
}
