package checker

import (
	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// differingSuccessors checks that a refresh token is replaced by one token only, however often it is sent.
func (f *family) differingSuccessors() []Violation {
	first := make(map[string]history.Tokens)
	for _, e := range f.events {
		if e.Action != history.Refresh || e.Answer != history.OK || e.Foreign {
			continue
		}
		before, known := first[e.Token]
		if known && (before.RefreshToken != e.Tokens.RefreshToken || before.Access.JTI != e.Tokens.Access.JTI) {
			return []Violation{f.violation("refresh token with two successors", "%s was replaced by %s and %s", e.Token, before.RefreshToken, e.Tokens.RefreshToken)}
		}
		first[e.Token] = *e.Tokens
	}
	return nil
}

// acceptedAfterReuse checks that no token is accepted after an answer that says that the login has ended:
// a refused second exchange, or a refused refresh token.
func (f *family) acceptedAfterReuse() []Violation {
	ended := forever
	for _, e := range f.events { // by time
		isRefusedRefresh := e.Action == history.Refresh && e.Answer == history.Refused && !e.Foreign
		switch {
		case f.isSecondUse(e) || isRefusedRefresh:
			ended = min(ended, e.Return)
		case isTokenCall(e) && e.Answer == history.OK && e.Call > ended:
			return []Violation{f.violation("token accepted after reuse", "%s of %s succeeded after a second use was refused at %v", e.Action, e.Token, ended)}
		}
	}
	return nil
}

// isTokenCall reports whether an event shows a token.
func isTokenCall(e history.Event) bool {
	switch e.Action {
	case history.Refresh, history.UserInfo, history.Introspect:
		return true
	}
	return false
}

// foreigners checks that a code and its tokens give nothing to another client, nor to one with
// another verifier.
func (c code) foreigners() (all []Violation) {
	for _, e := range c.events {
		if e.Foreign && e.Answer == history.OK {
			all = append(all, c.violation("tokens for another client", "%s got tokens with what was meant for %s", e.Client, c.made().Client))
		}
	}
	return all
}

// claims checks whom and what all tokens are for: the user who confirmed, the client that asked,
// its request, and one login.
func (c code) claims() (all []Violation) {
	want := history.Claims{Client: c.made().Client}
	for _, e := range c.events {
		if e.Action == history.Confirm && e.Answer == history.OK {
			want.Subject = e.User
		}
	}
	for _, e := range c.events {
		if e.Answer != history.OK || e.Action != history.Exchange && !isTokenCall(e) {
			continue
		}
		if want.Subject == "" { // no answer of the phone's confirm arrived
			want.Subject = e.User
		}
		if e.User != want.Subject {
			all = append(all, c.violation("tokens of another user", "%s is of %s, not of %s, who confirmed", e.Action, e.User, want.Subject))
		}
		if e.Tokens == nil {
			continue
		}
		if want.SID == "" {
			want.SID, want.Issuer = e.Tokens.Access.SID, e.Tokens.Access.Issuer
		}
		all = append(all, c.wrongClaims(e, want)...)
	}
	return all
}

// wrongClaims compares the tokens of an answer with what they must be for. Introspection of a
// refresh token shows no sid.
func (c code) wrongClaims(e history.Event, want history.Claims) (all []Violation) {
	access, id := e.Tokens.Access, e.Tokens.ID
	access.JTI = ""
	if e.Action == history.Introspect && access.SID == "" {
		access.SID = want.SID
	}
	if want.Issuer == "" || want.SID == "" || access != want {
		all = append(all, c.violation("wrong claims", "the access token of %s has %+v, not %+v", e.Action, access, want))
	}
	if e.Action == history.Introspect {
		return all
	}
	if e.Action == history.Exchange { // docs/api.md: ID tokens of a refresh have no nonce
		want.Nonce = c.made().Nonce
	}
	if id != want {
		all = append(all, c.violation("wrong claims", "the ID token of %s has %+v, not %+v", e.Action, id, want))
	}
	return all
}

// redirects checks that a page returns to the client with the answer to its own request.
func (c code) redirects() (all []Violation) {
	for _, e := range c.events {
		if e.State != nil && e.State.Redirect != "" && (e.State.Redirect != e.Request || e.Request != c.made().Request) {
			all = append(all, c.violation("redirect of another request", "%s with request %q received the redirect %q", e.Actor, e.Request, e.State.Redirect))
		}
	}
	return all
}
