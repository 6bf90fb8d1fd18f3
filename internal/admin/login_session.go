package admin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"
)

// How long a login lasts: until its administrator does nothing for idleTime, and
// never longer than a working day.
const (
	idleTime    = 30 * time.Minute
	longestTime = 12 * time.Hour
)

// visit is what a login is remembered by, on the shelf, under the hash of its
// cookie: so it holds on each node, ends on each node, and whoever reads the
// storage learns no cookie.
type visit struct {
	Admin string    `json:"admin"`
	Token string    `json:"token"` // beginning of the token's hash: the login ends with it
	Made  time.Time `json:"made"`
	Ends  time.Time `json:"ends"`

	cookie string
}

const visitField = "visit"

// sheet is where a visit with that cookie is.
func sheet(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return "console:" + hex.EncodeToString(sum[:])
}

func tokenName(a Admin) string { return hex.EncodeToString(a.Hash[:8]) }

// csrf is the token that the forms of a visit carry. Who does not have the
// cookie cannot compute it.
func (v visit) csrf() string {
	h := hmac.New(sha256.New, []byte(v.cookie))
	h.Write([]byte("scanlogin console form"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// begin makes a visit, and sets its cookie.
func (c *Console) begin(w http.ResponseWriter, r *http.Request, a Admin) error {
	var bits [32]byte
	rand.Read(bits[:])
	now := c.options.Shelf.Now()
	v := visit{Admin: a.Name, Token: tokenName(a), Made: now, Ends: now.Add(idleTime), cookie: base64.RawURLEncoding.EncodeToString(bits[:])}
	if err := c.keep(r.Context(), v); err != nil {
		return err
	}
	http.SetCookie(w, cookie(r, v.cookie))
	return nil
}

func (c *Console) keep(ctx context.Context, v visit) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.options.Shelf.Put(ctx, sheet(v.cookie), visitField, string(text), v.Ends)
}

// end forgets a visit.
func (c *Console) end(w http.ResponseWriter, r *http.Request, v visit) error {
	v.Ends = time.Unix(1, 0)
	if err := c.keep(r.Context(), v); err != nil {
		return err
	}
	gone := cookie(r, "") // #nosec G124 -- as cookie says: Secure where it came by https
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	return nil
}

// cookie makes the cookie of a visit: over https one that no other host, path or
// plain connection can set. Who says of itself that it came by https, and did
// not, has made its own login useless.
func cookie(r *http.Request, value string) *http.Cookie {
	k := &http.Cookie{Name: "scanlogin_console", Value: value, Path: "/console", HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		k.Name, k.Path, k.Secure = "__Host-"+k.Name, "/", true
	}
	return k
}

// visitOf returns the visit of a request; ok is false if there is none (any
// more). An error means that the store does not answer.
func (c *Console) visitOf(r *http.Request) (v visit, ok bool, err error) {
	k, err := r.Cookie(cookie(r, "").Name)
	if err != nil || k.Value == "" {
		return visit{}, false, nil
	}
	sheets, err := c.options.Shelf.Get(r.Context(), sheet(k.Value))
	if err != nil {
		return visit{}, false, err
	}
	if json.Unmarshal([]byte(sheets[0][visitField]), &v) != nil || !c.options.Shelf.Now().Before(v.Ends) {
		return visit{}, false, nil
	}
	v.cookie = k.Value
	for _, a := range c.options.Admins() {
		ok = ok || a.Name == v.Admin && tokenName(a) == v.Token
	}
	return v, ok, nil
}

// inside lets only who is logged in to a page, and only the page's own forms
// change something.
func (c *Console) inside(page func(http.ResponseWriter, *http.Request, visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, ok, err := c.visitOf(r)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case err != nil:
			c.away(w, err)
			return
		case !ok && reads:
			http.Redirect(w, r, "/console/login", http.StatusSeeOther)
			return
		case !ok:
			c.sorry(w, http.StatusUnauthorized, "You are logged out", "Nothing was changed. Log in again.")
			return
		}
		if !reads && subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(v.csrf())) != 1 {
			c.sorry(w, http.StatusForbidden, "This form is not of your login", "Nothing was changed. Open the page again.")
			return
		}
		if err := c.extend(r, v); err != nil {
			c.away(w, err)
			return
		}
		page(w, r, v)
	}
}

// extend puts a visit's end off. A page that only keeps itself up to date is
// nobody who is there, and each minute is soon enough.
func (c *Console) extend(r *http.Request, v visit) error {
	ends := c.options.Shelf.Now().Add(idleTime)
	if last := v.Made.Add(longestTime); ends.After(last) {
		ends = last
	}
	if ends.Sub(v.Ends) < time.Minute || r.Header.Get("Sec-Fetch-Dest") == "empty" {
		return nil
	}
	v.Ends = ends
	return c.keep(r.Context(), v)
}
