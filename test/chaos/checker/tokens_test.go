package checker

import (
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// asked makes an event one of the page with the authorization request r, or of its code.
func asked(e *history.Event) { e.Request = "r" }

// authorized returns a login with OpenID Connect up to the confirm that continues with more events.
func authorized(more ...history.Event) []history.Event {
	all := login()
	asked(&all[0])
	all[0].Client, all[0].Nonce = "portal", "n"
	return append(all, more...)
}

// want are the claims of the login's tokens, without nonce.
var want = history.Claims{Issuer: "issuer", Subject: "a", Client: "portal", SID: "s"}

// got are the tokens of an answer.
func got(access, refresh string, change ...func(*history.Tokens)) func(*history.Event) {
	return func(e *history.Event) {
		e.User, e.Tokens = "a", &history.Tokens{AccessToken: access, RefreshToken: refresh, Access: want, ID: want}
		e.Tokens.Access.JTI = access
		if e.Action == history.Exchange {
			e.Tokens.ID.Nonce = "n"
		}
		for _, c := range change {
			c(e.Tokens)
		}
	}
}

func with(token string) func(*history.Event) {
	return func(e *history.Event) { e.Token, e.Client = token, "portal" }
}

func foreign(e *history.Event) { e.Foreign = true }

// exchange returns the exchange that succeeds: access token a1, refresh token r1.
func exchange(ms int, change ...func(*history.Event)) history.Event {
	return at(ms, history.Exchange, 200, append([]func(*history.Event){got("a1", "r1")}, change...)...)
}

func refused(ms int, do history.Action, change ...func(*history.Event)) history.Event {
	return at(ms, do, history.Refused, change...)
}

func refresh(ms int, token, access, next string) history.Event {
	return at(ms, history.Refresh, 200, with(token), got(access, next))
}

func userinfo(ms int, token string) history.Event {
	return at(ms, history.UserInfo, 200, with(token), by("a"))
}

func introspect(ms int, token string) history.Event {
	return at(ms, history.Introspect, 200, with(token), got("", ""))
}

// manyRefused returns refused exchanges that all take a time.
func manyRefused(ms, n int, took time.Duration) (all []history.Event) {
	for range n {
		all = append(all, refused(ms, history.Exchange, taking(took)))
	}
	return all
}

func authorize(ms int) history.Event {
	return at(ms, history.Authorize, 200, asked, func(e *history.Event) {
		e.Code, e.Lifetimes = "", &history.Lifetimes{Request: 20 * time.Second}
	})
}

func without(do history.Action, ms int) history.Event {
	return at(ms, do, history.NoRequest, asked, func(e *history.Event) { e.Code = "" })
}

// redirected is the confirmed state with the redirect of a request.
func redirected(request string) func(*history.Event) {
	return func(e *history.Event) {
		e.Proven = true
		e.State = &history.State{Status: "confirmed", Version: 3, User: "a", Redirect: request}
	}
}

var invalidTokens = []example{
	{what: "a code is exchanged twice", rule: "code exchanged twice", events: authorized(exchange(300), exchange(400))},
	{what: "a code is exchanged twice at the same time", rule: "code exchanged twice", events: authorized(exchange(300), exchange(300))},
	{what: "a code is exchanged before the confirm", rule: "not linearizable", events: append(authorized()[:2], exchange(300))},
	{what: "a code is exchanged after a refusal", rule: "not linearizable", events: authorized(refused(300, history.Exchange), exchange(400))},
	{what: "a code is refused without a reason", rule: "not linearizable", events: authorized(refused(300, history.Exchange))},
	{what: "the grant of a client is a ticket", rule: "not linearizable", events: authorized(redeem(300))},
	{what: "the grant of a site is a code", rule: "not linearizable", events: then(exchange(300))},
	{what: "a ticket for the browser of a request", rule: "not linearizable",
		events: authorized(at(300, history.Check, 200, saw("confirmed", 3), proven("a", true), asked))},
	{what: "no redirect for the browser of a request", rule: "not linearizable",
		events: authorized(at(300, history.Check, 200, saw("confirmed", 3), proven("a", false), asked))},
	{what: "a redirect after the exchange", rule: "not linearizable",
		events: authorized(exchange(300), at(400, history.Check, 200, redirected("r"), asked, func(e *history.Event) { e.State.Version = 4 }))},
	{what: "the redirect of another request", rule: "redirect of another request", events: authorized(at(300, history.Check, 200, redirected("r2"), asked))},
	{what: "a redirect for a page of another request", rule: "redirect of another request",
		events: authorized(at(300, history.Check, 200, redirected("r"), func(e *history.Event) { e.Request = "r2" }))},
	{what: "a redirect for the site", rule: "redirect of another request", events: authorized(at(300, history.Check, 200, redirected("r")))},
	{what: "a redirect without proof", rule: "secret without proof",
		events: authorized(at(300, history.Check, 200, redirected("r"), asked, func(e *history.Event) { e.Proven, e.State.User = false, "" }))},
	{what: "the redirect of its own request for a code of another", rule: "redirect of another request",
		events: authorized(at(300, history.Check, 200, redirected("r2"), func(e *history.Event) { e.Request = "r2" }))},
	{what: "a message without the redirect, after one of a page without request", rule: "not linearizable",
		events: authorized(at(300, history.Push, 0, redirected(""), on(1)), at(310, history.Push, 0, redirected(""), on(2), asked))},

	{what: "tokens of another user", rule: "tokens of another user", events: authorized(exchange(300, by("b")))},
	{what: "tokens of another user, in the search", rule: "not linearizable", events: authorized(exchange(300, by("b")))},
	{what: "tokens without sid", rule: "wrong claims",
		events: authorized(exchange(300, got("a1", "r1", func(t *history.Tokens) { t.Access.SID, t.ID.SID = "", "" })))},
	{what: "UserInfo of another user", rule: "tokens of another user",
		events: authorized(exchange(300), at(400, history.UserInfo, 200, with("a1"), by("b")))},
	{what: "an ID token of another user", rule: "wrong claims",
		events: authorized(exchange(300, got("a1", "r1", func(t *history.Tokens) { t.ID.Subject = "b" })))},
	{what: "an access token of another user", rule: "wrong claims",
		events: authorized(exchange(300, got("a1", "r1", func(t *history.Tokens) { t.Access.Subject = "b" })))},
	{what: "a token for another client", rule: "wrong claims",
		events: authorized(exchange(300, got("a1", "r1", func(t *history.Tokens) { t.Access.Client = "app" })))},
	{what: "the nonce of another request", rule: "wrong claims",
		events: authorized(exchange(300, got("a1", "r1", func(t *history.Tokens) { t.ID.Nonce = "n2" })))},
	{what: "a refreshed token of another login", rule: "wrong claims",
		events: authorized(exchange(300), at(400, history.Refresh, 200, with("r1"), got("a2", "r2", func(t *history.Tokens) { t.Access.SID = "s2" })))},
	{what: "introspection says another client", rule: "wrong claims",
		events: authorized(exchange(300), at(400, history.Introspect, 200, with("a1"), got("", "", func(t *history.Tokens) { t.Access.Client = "app" })))},
	{what: "a token without a valid signature", rule: "wrong claims",
		events: authorized(exchange(300, got("a1", "r1", func(t *history.Tokens) { t.Access = history.Claims{} })))},
	{what: "another client exchanges the code", rule: "tokens for another client", events: authorized(exchange(300, foreign))},
	{what: "another client refreshes", rule: "tokens for another client",
		events: authorized(exchange(300), at(400, history.Refresh, 200, with("r1"), got("a2", "r2"), foreign))},
	{what: "another client spends the code", rule: "not linearizable",
		events: authorized(refused(300, history.Exchange, foreign), refused(400, history.Exchange))},
	{what: "another client revokes the tokens", rule: "tokens not linearizable",
		events: authorized(exchange(300), refused(400, history.Exchange, foreign), refused(500, history.UserInfo, with("a1")))},

	{what: "UserInfo after a second use", rule: "token accepted after reuse",
		events: authorized(exchange(300), refused(400, history.Exchange), userinfo(500, "a1"))},
	{what: "UserInfo after a second use, when the code would have expired", rule: "token accepted after reuse",
		events: authorized(exchange(299_000), refused(301_000, history.Exchange), userinfo(302_000, "a1"))},
	{what: "introspection after a second use", rule: "token accepted after reuse",
		events: authorized(exchange(300), refused(400, history.Exchange), introspect(500, "r1"))},
	{what: "a refresh after a second use", rule: "token accepted after reuse",
		events: authorized(exchange(300), refused(400, history.Exchange), refresh(500, "r1", "a2", "r2"))},
	{what: "a second use at the same time revokes nothing", rule: "token accepted after reuse",
		events: authorized(append(manyRefused(300, 19, 20*time.Millisecond), exchange(300), userinfo(500, "a1"))...)},
	{what: "a second use at the same time revokes nothing, in the search", rule: "tokens not linearizable",
		events: authorized(append(manyRefused(300, 19, 20*time.Millisecond), exchange(300), userinfo(500, "a1"))...)},
	{what: "a second use of unknown outcome, and the tokens are valid again", rule: "tokens not linearizable",
		events: authorized(exchange(300), at(400, history.Exchange, history.Busy), refused(500, history.UserInfo, with("a1")), userinfo(600, "a1"))},
	{what: "a second use of unknown outcome, and a refresh token is valid again", rule: "tokens not linearizable",
		events: authorized(exchange(300), at(400, history.Exchange, history.Busy), refused(500, history.UserInfo, with("a1")), refresh(600, "r1", "a2", "r2"))},
	{what: "UserInfo after a replay", rule: "token accepted after reuse", events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"),
		refresh(500, "r2", "a3", "r3"), refused(600, history.Refresh, with("r1")), userinfo(700, "a3"))},
	{what: "a token is refused without a reason", rule: "tokens not linearizable",
		events: authorized(exchange(300), refused(400, history.UserInfo, with("a1")))},
	{what: "a refresh token is refused without a reason", rule: "tokens not linearizable",
		events: authorized(exchange(300), refused(400, history.Refresh, with("r1")))},
	{what: "a refresh token that was spent long ago is accepted", rule: "tokens not linearizable", events: authorized(exchange(300),
		refresh(400, "r1", "a2", "r2"), refresh(500, "r2", "a3", "r3"), refresh(600, "r1", "a2", "r2"))},
	{what: "the last spent refresh token is accepted after its window", rule: "tokens not linearizable",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refresh(11_500, "r1", "a2", "r2"))},
	{what: "the last spent refresh token is refused within its window", rule: "tokens not linearizable",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refused(9000, history.Refresh, with("r1")))},
	{what: "two surviving successors", rule: "refresh token with two successors",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refresh(400, "r1", "a3", "r3"))},
	{what: "two surviving successors with one access token", rule: "refresh token with two successors",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refresh(400, "r1", "a2", "r3"))},
	{what: "a repetition has another access token", rule: "refresh token with two successors",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refresh(500, "r1", "a3", "r2"))},
	{what: "two surviving successors, in the search", rule: "tokens not linearizable",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refresh(400, "r1", "a3", "r3"))},
	{what: "a spent refresh token is valid", rule: "tokens not linearizable",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), introspect(500, "r1"))},
	{what: "a rotation is lost", rule: "tokens not linearizable",
		events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refused(500, history.Introspect, with("r2")))},

	{what: "a request is unknown too early", rule: "authorization request unknown too early", events: []history.Event{authorize(0), without(history.Gene, 19_000)}},
	{what: "a socket finds no request", rule: "authorization request unknown too early",
		events: []history.Event{authorize(0), at(100, history.Close, history.NoRequestClose, asked)}},
	{what: "a stream finds no request", rule: "authorization request unknown too early",
		events: []history.Event{authorize(0), at(100, history.Connect, 0, asked, func(e *history.Event) { e.HTTP = 400 })}},
	{what: "a page without a request needs one", rule: "unexpected answer", events: then(at(300, history.Check, history.NoRequest))},
	{what: "the token endpoint fails", rule: "unexpected answer",
		events: authorized(at(300, history.Exchange, 500, func(e *history.Event) { e.HTTP = 500 }))},
	{what: "an answer that is not JSON", rule: "unexpected answer", events: authorized(exchange(300), at(400, history.UserInfo, history.Malformed, with("a1")))},
	{what: "the client is unknown", rule: "unexpected answer",
		events: authorized(at(300, history.Exchange, 401, func(e *history.Event) { e.HTTP = 401 }))},
}

var validTokens = []example{
	{what: "a login with OpenID Connect", events: slices.Concat([]history.Event{authorize(0)}, authorized(
		at(210, history.Push, 0, redirected("r"), on(1), asked), at(220, history.Check, 200, saw("confirmed", 3), proven("a", false)),
		at(230, history.Check, 200, saw("confirmed", 3)), exchange(300), userinfo(400, "a1"), introspect(410, "a1"), introspect(420, "r1"),
		refresh(500, "r1", "a2", "r2"), userinfo(600, "a1"), userinfo(600, "a2"), introspect(610, "r2"), refused(620, history.Introspect, with("r1")),
		refresh(700, "r1", "a2", "r2"), refresh(800, "r2", "a3", "r3"), at(900, history.Check, 200, saw("confirmed", 4), proven("a", false), asked)))},
	{what: "others try, and have no effect", events: authorized(refused(250, history.Exchange, foreign), exchange(300),
		refused(400, history.Exchange, foreign), refused(500, history.Refresh, with("r1"), foreign), userinfo(600, "a1"), refresh(700, "r1", "a2", "r2"))},
	{what: "calls that were not sent or not served", events: authorized(at(250, history.Exchange, history.NotSent), exchange(300),
		at(400, history.UserInfo, history.NotSent, with("a1")), at(400, history.Refresh, history.TooMany, with("r1")), at(400, history.Exchange, history.TooMany),
		introspect(500, "r1"), userinfo(500, "a1"))},
	{what: "introspection of a refresh token shows no sid",
		events: authorized(exchange(300), at(400, history.Introspect, 200, with("r1"), got("", "", func(t *history.Tokens) { t.Access.SID = "" })))},
	{what: "a second use revokes", events: authorized(exchange(300), userinfo(400, "a1"), refused(500, history.Exchange),
		refused(600, history.UserInfo, with("a1")), refused(610, history.Introspect, with("r1")), refused(620, history.Refresh, with("r1")))},
	{what: "twenty exchanges at the same time", events: authorized(append(manyRefused(300, 19, time.Second), exchange(300),
		userinfo(320, "a1"), userinfo(600, "a1"), refused(1400, history.UserInfo, with("a1")))...)},
	{what: "twenty exchanges at the same time revoke before all have an answer", events: authorized(append(manyRefused(300, 19, time.Second), exchange(300),
		refused(320, history.UserInfo, with("a1")))...)},
	{what: "many exchanges at the same time, and the page sees the redirect meanwhile", events: authorized(append(manyRefused(300, 25, time.Second),
		exchange(300, taking(time.Second)), at(400, history.Check, 200, redirected("r"), asked), refused(1400, history.UserInfo, with("a1")))...)},
	{what: "the first of several exchanges revokes, although it is answered last", events: authorized(refused(300, history.Exchange, taking(time.Second)),
		refused(350, history.Exchange), exchange(300), refused(320, history.UserInfo, with("a1")))},
	{what: "a refresh of unknown outcome after a second use", events: authorized(exchange(300), refused(400, history.Exchange),
		at(500, history.Refresh, history.Busy, with("r1")), refused(600, history.UserInfo, with("a1")))},
	{what: "a second use of unknown outcome revokes nothing", events: authorized(exchange(300), at(400, history.Exchange, history.None), userinfo(500, "a1"))},
	{what: "a second use of unknown outcome revokes later", events: authorized(exchange(300), at(400, history.Exchange, history.None), userinfo(500, "a1"),
		refused(600, history.UserInfo, with("a1")), refused(700, history.Refresh, with("r1")))},
	{what: "an exchange of unknown outcome took effect", events: authorized(at(300, history.Exchange, history.Busy), refused(400, history.Exchange))},
	{what: "an exchange of unknown outcome never took effect", events: authorized(at(300, history.Exchange, history.Busy), exchange(400), userinfo(500, "a1"))},
	{what: "a code expires", events: []history.Event{authorized()[0], at(100, history.Scan, 200, by("a")), at(200, history.Confirm, 200, by("a")),
		refused(301_000, history.Exchange)}},
	{what: "a second use of a code that is forgotten", events: authorized(exchange(300), refused(61_000, history.Exchange), userinfo(62_000, "a1"))},
	{what: "a code expires while it is exchanged twice, after a confirm of unknown outcome", events: append(authorized()[:2],
		at(200, history.Confirm, history.Busy, by("a")), at(50_000, history.Confirm, 200, by("a")), exchange(300_150), refused(300_150, history.Exchange),
		userinfo(300_400, "a1"))},
	{what: "a code expires while it is exchanged twice", events: authorized(exchange(300_150), refused(300_150, history.Exchange), userinfo(300_400, "a1"))},

	{what: "refreshes at the same time agree", events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refresh(400, "r1", "a2", "r2"),
		refresh(405, "r1", "a2", "r2"), userinfo(500, "a2"), refresh(600, "r2", "a3", "r3"))},
	{what: "a replay ends the login", events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"), refresh(500, "r2", "a3", "r3"),
		refused(600, history.Refresh, with("r1")), refused(700, history.Refresh, with("r3")), refused(700, history.UserInfo, with("a1")))},
	{what: "the last spent refresh token ends the login after its window", events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"),
		refused(11_000, history.Refresh, with("r1")), refused(11_100, history.UserInfo, with("a2")))},
	{what: "a refresh of unknown outcome took effect", events: authorized(exchange(300), at(400, history.Refresh, history.None, with("r1")),
		refused(500, history.Introspect, with("r1")), refresh(600, "r1", "a2", "r2"), refresh(700, "r2", "a3", "r3"))},
	{what: "a refresh of unknown outcome took effect late", events: authorized(exchange(300), at(400, history.Refresh, history.None, with("r1")),
		introspect(8000, "r1"), refused(9000, history.Introspect, with("r1")), refresh(12_000, "r1", "a2", "r2"))},
	{what: "a refresh of unknown outcome is repeated too late", events: authorized(exchange(300), at(400, history.Refresh, history.None, with("r1")),
		refused(10_500, history.Refresh, with("r1")), refused(10_600, history.UserInfo, with("a1")))},
	{what: "a refresh of unknown outcome revokes much later", events: authorized(exchange(300), refresh(400, "r1", "a2", "r2"),
		refresh(500, "r2", "a3", "r3"), at(600, history.Refresh, history.None, with("r1")), userinfo(700, "a3"), refused(900, history.UserInfo, with("a3")))},
	{what: "one refresh of unknown outcome rotates, another revokes", events: authorized(exchange(300), at(400, history.Refresh, history.None, with("r1")),
		at(450, history.Refresh, history.None, with("r1")), refused(460, history.Introspect, with("r1")), userinfo(500, "a1"),
		refused(600, history.UserInfo, with("a1")))},

	{what: "a request ends", events: append(authorized(authorize(0)), without(history.Gene, 20_000), at(21_000, history.Check, history.NoRequest, asked))},
	{what: "a request is lost", events: []history.Event{authorize(0), without(history.Gene, 3000)}, faults: flushed},
}

func TestTokensAfterLostWritesAreCountedSeparately(t *testing.T) {
	failover := []history.Fault{{Kind: "failover", Lossy: true, From: time.Second, To: 2 * time.Second}}
	v := Check(history.History{Events: authorized(exchange(300), refused(1500, history.UserInfo, with("a1")), exchange(1600)), Faults: failover})
	if len(v.Violations) > 0 || len(v.Lost) == 0 {
		t.Errorf("violations %v, lost %v", v.Violations, v.Lost)
	}
	v = Check(history.History{Events: authorized(exchange(300), at(400, history.UserInfo, 200, with("a1"), by("b"))), Faults: failover})
	if len(v.Violations) == 0 {
		t.Error("tokens of another user are not reported when writes were lost")
	}
}
