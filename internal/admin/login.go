package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/time/rate"

	"github.com/scanlogin/scanlogin/internal/secret"
)

// Admin is an administrator, who may use the console.
type Admin struct {
	Name string
	Hash [sha256.Size]byte // of the token
}

// tokenPrefix starts each token, so that secret scanners can recognize it.
const tokenPrefix = "scanlogin_"

// NewToken returns a token of 256 random bits.
func NewToken() string {
	return tokenPrefix + string(secret.Random())
}

// HashToken returns the hash of a token for the configuration. A random token of 256 bits
// needs no slow hash.
func HashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// find returns the administrator with the token. It compares all of them, each in constant
// time.
func find(admins []Admin, token string) (found Admin, ok bool) {
	hash := HashToken(token)
	for _, a := range admins {
		if subtle.ConstantTimeCompare(a.Hash[:], hash[:]) == 1 {
			found, ok = a, true
		}
	}
	return found, ok
}

// Limits for login attempts per address: a burst for pasting errors, then one per interval.
const (
	loginBurst    = 10
	loginInterval = 5 // seconds
	maxAddresses  = 1000
)

// loginLimiter limits login attempts per address.
type loginLimiter struct {
	mu        sync.Mutex
	byAddress map[string]*rate.Limiter
}

func newLoginLimiter() *loginLimiter {
	return &loginLimiter{byAddress: make(map[string]*rate.Limiter)}
}

// allow counts a login attempt. Addresses beyond maxAddresses share one limit.
func (t *loginLimiter) allow(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byAddress[address]
	if l == nil {
		for a, other := range t.byAddress {
			if other.Tokens() >= loginBurst {
				delete(t.byAddress, a) // no recent attempts
			}
		}
		if len(t.byAddress) >= maxAddresses {
			address = "others"
		}
		if l = t.byAddress[address]; l == nil {
			l = rate.NewLimiter(rate.Limit(1.0/loginInterval), loginBurst)
			t.byAddress[address] = l
		}
	}
	return l.Allow()
}

func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "login", view{Title: "Log in"})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, reason string) {
		c.record(r, Action{Name: "login_refused"})
		c.render(w, r, status, "login", view{Title: "Log in", Data: reason})
	}
	if !c.limiter.allow(host(r)) {
		w.Header().Set("Retry-After", strconv.Itoa(loginInterval))
		refuse(http.StatusTooManyRequests, "Too many attempts. Wait a few seconds.")
		return
	}
	admin, ok := find(c.options.Admins(), r.PostFormValue("token"))
	if !ok {
		refuse(http.StatusUnauthorized, "This is not the token of an administrator.")
		return
	}
	if err := c.startSession(w, r, admin); err != nil {
		c.renderUnavailable(w, r, err)
		return
	}
	c.record(r, Action{Name: "login", Admin: admin.Name})
	http.Redirect(w, r, "/console", http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request, s loginSession) {
	if err := c.endSession(w, r, s); err != nil {
		c.renderUnavailable(w, r, err)
		return
	}
	c.record(r, Action{Name: "logout", Admin: s.Admin})
	http.Redirect(w, r, "/console/login", http.StatusSeeOther)
}
