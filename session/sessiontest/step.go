package sessiontest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// New returns a session as a server creates it, which expires after ttl.
func New(st session.Store, ttl time.Duration) session.Session {
	now := st.Now()
	return session.Session{
		ID: session.NewID(), Pool: "pool", Payload: `{"scene":"APP_AUTH"}`,
		Salt: []byte("0123456789abcdef"), SecretID: "1", CookieHash: []byte("hash"), Challenge: "challenge", Match: session.MatchDigits,
		StepUp: session.StepUp{MaxAge: time.Minute, ACRValues: []string{"high", "higher"}, AMR: []string{"otp"}},
		Grant:  session.GrantTicket, GrantHash: session.HashSecret("ticket"), BrowserHash: session.HashSecret("browser key"),
		Client: session.Client{IP: "192.0.2.1", UserAgent: "test"},
		Count:  1, CreatedAt: now, ExpiresAt: now.Add(ttl),
	}
}

// Alice and Bob are users.
var (
	Alice = session.User{ID: "alice", Nickname: "Alice", Photo: "https://example.com/a.png", Email: "alice@example.com", More: map[string]any{"department": "R&D", "badge": json.Number("12345678901234567890")}}
	Bob   = session.User{ID: "bob", Nickname: "Bob"}
)

// Authorization is what a code of an OAuth client was requested for.
var Authorization = session.Authorization{
	ClientID: "client", RedirectURI: "https://client.example.com/cb?a=<b>&c", Scope: "openid email", Nonce: "n\u2028", RequestHash: session.HashSecret("request"),
}

// ChangeOf returns a change by a user who knows everything that the code needs: the number, and
// the ticket with its verifier, and who logged in. Times to live are a minute.
func ChangeOf(from session.Session, a session.Action, u session.User) session.Change {
	c := session.Change{Action: a, User: u, TTL: time.Minute}
	c.User.Auth = session.Auth{Time: 1_800_000_000, ACR: "acr of the " + string(a), AMR: []string{"otp", `a "quoted" one`}}
	switch a {
	case session.Confirm:
		c.Loaded = from.Op
	case session.Redeem:
		c.Pool, c.Credential = from.Pool, CredentialOf(from)
	}
	return c
}

// CredentialOf returns the credential of a code as a site shows it.
func CredentialOf(code session.Session) session.Credential {
	return session.Credential{
		Grant: code.Grant, SecretIDs: []string{"newer", code.SecretID, "older"}, Hash: code.GrantHash, Challenge: code.Challenge,
	}
}

// Step has a store apply a change to a code, and returns a refusal as an error.
func Step(ctx context.Context, st session.Store, from session.Session, c session.Change) (session.Session, error) {
	t := c.Transition()
	code, outcome, err := st.Apply(ctx, from.ID, t)
	if err == nil && outcome == session.Refused {
		err = t.Refusal(code)
	}
	return code, err
}
