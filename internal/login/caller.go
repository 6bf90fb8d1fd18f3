package login

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// Caller is who makes a request. The transport sets the exported fields; the service adds
// what it learns while it handles the request. Use one Caller per request, from one
// goroutine.
type Caller struct {
	Proof
	IP          string // address of the client; of a socket's page
	RequestID   string // "" for WebSocket messages
	UserAgent   string // bounded, valid UTF-8
	Origin      string // of the page that makes the request; "" if it is not a browser
	Credentials *Credentials

	user          string         // who acts, on a phone
	site          *pool.Pool     // whose secret the caller showed; valid if isSite
	isSite        bool           // the secret was verified
	isClient      bool           // the secret of an OAuth client was verified
	client        string         // id of the OAuth client that exchanges a ticket; "" if there is none
	pending       []ratelimit.Op // what the request is still to be counted by, together with whatever else counts it
	subject       Subject
	originRefused bool
}

// Credentials are a pool's id and secret, as a site's back end shows them; not verified yet.
type Credentials struct{ ID, Secret string }

// Proof is what a caller shows to prove that it is the browser that requested a code.
type Proof struct {
	Cookie     string // value of the browser cookie
	BrowserKey string
	// Authorization is the authorization request of the browser, nil if the page is not
	// one that shows codes for OAuth clients.
	Authorization *Authorization
	site          bool // the secret of the code's pool was verified instead
}

// IsBrowser reports whether p proves that.
func (p Proof) IsBrowser(of *pool.Pool, code session.Session) bool {
	if p.site || p.BrowserKey != "" && of.IsBrowserKey(code, p.BrowserKey) {
		return true
	}
	return p.Cookie != "" &&
		subtle.ConstantTimeCompare(cookieHash(p.Cookie), code.CookieHash) == 1
}

func cookieHash(cookie string) []byte {
	sum := sha256.Sum256([]byte(cookie))
	return sum[:]
}

// Subject is what a request is about, as far as it is known.
type Subject struct {
	Pool string // id
	Code session.Session
	User string // id of the phone's user
}

// Subject returns what the request is about.
func (by *Caller) Subject() Subject { return by.subject }

// SetSubject records what the request is about.
func (by *Caller) SetSubject(p *pool.Pool, code session.Session) {
	by.subject = Subject{Pool: p.ID, Code: code}
}

// OriginRefused reports whether the request came from a page that may not use the pool.
func (by *Caller) OriginRefused() bool { return by.originRefused }

// takePending returns what the request is still to be counted by, and regards it as counted.
func (by *Caller) takePending() []ratelimit.Op {
	ops := by.pending
	by.pending = nil
	return ops
}
