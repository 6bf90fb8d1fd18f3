package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/time/rate"
)

// Admin is who may use the console.
type Admin struct {
	Name string
	Hash [sha256.Size]byte // of the token
}

// tokenMark begins each token, so that programs which look for secrets in the
// wrong places know one.
const tokenMark = "scanlogin_"

// NewToken makes a token of 256 random bits.
func NewToken() string {
	var bits [32]byte
	rand.Read(bits[:]) // never fails (crypto/rand, Go 1.24)
	return tokenMark + base64.RawURLEncoding.EncodeToString(bits[:])
}

// HashToken is what the configuration has of a token. What is random needs no
// slow hash: nobody can try 2^256.
func HashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// find returns the administrator whose token it is. All are compared, each in
// constant time.
func find(admins []Admin, token string) (found Admin, ok bool) {
	hash := HashToken(token)
	for _, a := range admins {
		if subtle.ConstantTimeCompare(a.Hash[:], hash[:]) == 1 {
			found, ok = a, true
		}
	}
	return found, ok
}

// Logins of one address: some at once, for people who paste wrongly, and then
// one in a few seconds.
const (
	triesAtOnce  = 10
	trySeconds   = 5
	maxAddresses = 1000
)

// tries counts logins by address.
type tries struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

func newTries() *tries { return &tries{of: make(map[string]*rate.Limiter)} }

// allow counts one login of an address. Addresses beyond the number that is
// remembered count as one.
func (t *tries) allow(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of[address]
	if l == nil {
		for a, other := range t.of {
			if other.Tokens() >= triesAtOnce {
				delete(t.of, a) // it was quiet for long
			}
		}
		if len(t.of) >= maxAddresses {
			address = "others"
		}
		if l = t.of[address]; l == nil {
			l = rate.NewLimiter(rate.Limit(1.0/trySeconds), triesAtOnce)
			t.of[address] = l
		}
	}
	return l.Allow()
}

func (c *Console) showLogin(w http.ResponseWriter, _ *http.Request) {
	c.show(w, http.StatusOK, "login", view{Title: "Log in"})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	again := func(status int, why string) {
		c.record(r, Action{Name: "login_refused"})
		c.show(w, status, "login", view{Title: "Log in", Data: why})
	}
	if !c.tries.allow(host(r)) {
		w.Header().Set("Retry-After", strconv.Itoa(trySeconds))
		again(http.StatusTooManyRequests, "Too many tries. Wait some seconds.")
		return
	}
	admin, ok := find(c.options.Admins(), r.PostFormValue("token"))
	if !ok {
		again(http.StatusUnauthorized, "This is no administrator's token.")
		return
	}
	if err := c.begin(w, r, admin); err != nil {
		c.away(w, err)
		return
	}
	c.record(r, Action{Name: "login", Admin: admin.Name})
	http.Redirect(w, r, "/console", http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request, v visit) {
	if err := c.end(w, r, v); err != nil {
		c.away(w, err)
		return
	}
	c.record(r, Action{Name: "logout", Admin: v.Admin})
	http.Redirect(w, r, "/console/login", http.StatusSeeOther)
}
