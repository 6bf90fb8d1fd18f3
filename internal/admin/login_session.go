package admin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/scanlogin/scanlogin/internal/secret"
)

// A login session ends after idleTimeout without a request, and after maxDuration at the
// latest.
const (
	idleTimeout = 30 * time.Minute
	maxDuration = 12 * time.Hour
)

// loginSession is an administrator's login. It is stored under the hash of its cookie: it is
// valid on every node, ends on every node, and the storage does not reveal the cookie.
type loginSession struct {
	Admin string    `json:"admin"`
	Token string    `json:"token"` // first digits of the token's hash: the session ends when the token is removed
	Made  time.Time `json:"made"`
	Ends  time.Time `json:"ends"`

	cookie string
	lang   language // of the request
}

const sessionField = "visit"

// sessionKey returns the key of the session with a cookie.
func sessionKey(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return "console:" + hex.EncodeToString(sum[:])
}

func tokenName(a Admin) string { return hex.EncodeToString(a.Hash[:8]) }

// csrf returns the token in the session's forms. Computing it needs the cookie.
func (s loginSession) csrf() string {
	h := hmac.New(sha256.New, []byte(s.cookie))
	h.Write([]byte("scanlogin console form"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// view returns the data of a page for the session.
func (s loginSession) view(title, page string, data any) view {
	return view{Title: title, Page: page, Admin: s.Admin, CSRF: s.csrf(), Data: data}
}

// startSession creates a session and sets its cookie.
func (c *Console) startSession(w http.ResponseWriter, r *http.Request, a Admin) error {
	now := c.options.Store.Now()
	s := loginSession{Admin: a.Name, Token: tokenName(a), Made: now, Ends: now.Add(idleTimeout), cookie: string(secret.Random())}
	if err := c.saveSession(r.Context(), s); err != nil {
		return err
	}
	http.SetCookie(w, cookie(r, s.cookie))
	return nil
}

func (c *Console) saveSession(ctx context.Context, s loginSession) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.options.Store.Put(ctx, sessionKey(s.cookie), sessionField, string(text), s.Ends)
}

// endSession deletes a session and its cookie.
func (c *Console) endSession(w http.ResponseWriter, r *http.Request, s loginSession) error {
	s.Ends = time.Unix(1, 0)
	if err := c.saveSession(r.Context(), s); err != nil {
		return err
	}
	expired := cookie(r, "") // #nosec G124 -- cookie sets Secure for https
	expired.MaxAge = -1
	http.SetCookie(w, expired)
	return nil
}

// cookie returns the cookie of a session. Over https it is one that no other host, path or
// plain connection can set. A client that sets X-Forwarded-Proto itself only makes its own
// login unusable.
func cookie(r *http.Request, value string) *http.Cookie {
	k := &http.Cookie{Name: "scanlogin_console", Value: value, Path: "/console", HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		k.Name, k.Path, k.Secure = "__Host-"+k.Name, "/", true
	}
	return k
}

// sessionOf returns the session of a request; ok is false if there is none or it has ended. An
// error means that the store is unavailable.
func (c *Console) sessionOf(r *http.Request) (s loginSession, ok bool, err error) {
	k, err := r.Cookie(cookie(r, "").Name)
	if err != nil || k.Value == "" {
		return loginSession{}, false, nil
	}
	hashes, err := c.options.Store.Get(r.Context(), sessionKey(k.Value))
	if err != nil {
		return loginSession{}, false, err
	}
	if json.Unmarshal([]byte(hashes[0][sessionField]), &s) != nil || !c.options.Store.Now().Before(s.Ends) {
		return loginSession{}, false, nil
	}
	s.cookie = k.Value
	for _, a := range c.options.Admins() {
		ok = ok || a.Name == s.Admin && tokenName(a) == s.Token
	}
	return s, ok, nil
}

// requireLogin returns a handler that serves page to logged-in administrators only, and that
// refuses changes without the session's CSRF token.
func (c *Console) requireLogin(page func(http.ResponseWriter, *http.Request, loginSession)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok, err := c.sessionOf(r)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case err != nil:
			c.renderUnavailable(w, r, err)
			return
		case !ok && reads:
			http.Redirect(w, r, "/console/login", http.StatusSeeOther)
			return
		case !ok:
			c.renderError(w, r, http.StatusUnauthorized, "You are logged out", "Nothing was changed. Log in again.")
			return
		}
		if !reads && subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(s.csrf())) != 1 {
			c.renderError(w, r, http.StatusForbidden, "The form belongs to another login", "Nothing was changed. Open the page again.")
			return
		}
		if err := c.extendSession(r, s); err != nil {
			c.renderUnavailable(w, r, err)
			return
		}
		s.lang = languageOf(r)
		page(w, r, s)
	}
}

// extendSession postpones a session's end, at most once per minute. Automatic refreshes of a
// page do not count as activity.
func (c *Console) extendSession(r *http.Request, s loginSession) error {
	ends := c.options.Store.Now().Add(idleTimeout)
	if last := s.Made.Add(maxDuration); ends.After(last) {
		ends = last
	}
	if ends.Sub(s.Ends) < time.Minute || r.Header.Get("Sec-Fetch-Dest") == "empty" {
		return nil
	}
	s.Ends = ends
	return c.saveSession(r.Context(), s)
}
