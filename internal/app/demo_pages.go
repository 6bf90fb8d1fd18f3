package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/web"
)

// demoUser is a user of the demo.
type demoUser struct {
	id, name, color string
}

var demoUsers = [...]demoUser{
	{"alice", "Alice", "#7c3aed"},
	{"bob", "Bob", "#0f766e"},
	{"carol", "Carol", "#b45309"},
}

const (
	demoTokenTTL  = time.Hour
	demoMaxAge    = 5 * time.Minute // of a login to the app, with DemoOptions.StepUp
	demoLoginAge  = time.Hour       // of a login to the app, unless the user logs in again
	maxTokenQuery = 1 << 10         // bytes of {"user":"alice"}
)

// handler serves the pages of the demo and their requests.
func (d *demo) handler() http.Handler {
	people := make([]web.User, len(demoUsers))
	for i, u := range demoUsers {
		people[i] = web.User{ID: u.id, Name: u.name}
	}
	mux := http.NewServeMux()
	site := web.DemoSite{Site: web.Site{Pool: demoPool, Name: "Demo"}, PublicURL: d.publicURL, Users: people}
	mux.Handle("/{$}", web.Demo(site))
	mux.Handle("/login", web.Login(site.Site))
	mux.Handle("/phone", web.Phone(site))
	mux.HandleFunc("POST /demo/token", d.serveToken)
	mux.HandleFunc("GET /demo/photo/{file}", servePhoto)
	return mux
}

// serveToken answers {"user":"alice"} with a token for that user. A real app gets a token
// when its user logs in. With "again":true the user does so now, otherwise an hour ago.
func (d *demo) serveToken(w http.ResponseWriter, r *http.Request) {
	var query struct {
		User  string `json:"user"`
		Again bool   `json:"again"`
	}
	body := http.MaxBytesReader(w, r.Body, maxTokenQuery)
	if err := json.NewDecoder(body).Decode(&query); err != nil {
		refuseDemo(w, r, errDemoQuery)
		return
	}
	user, ok := findDemoUser(query.User)
	if !ok {
		refuseDemo(w, r, errDemoUser)
		return
	}
	now := time.Now()
	loggedIn := now
	if !query.Again {
		loggedIn = now.Add(-demoLoginAge)
	}
	token, err := d.token(user, loggedIn, now)
	if err != nil {
		refuseDemo(w, r, err)
		return
	}
	answerDemo(w, http.StatusOK, map[string]string{"token": token})
}

func (d *demo) token(u demoUser, loggedIn, now time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub":                u.id,
		"preferred_username": u.id,
		"nickname":           u.name,
		"picture":            d.publicURL + "/demo/photo/" + u.id + ".svg",
		"email":              u.id + "@example.com",
		"email_verified":     true,
		"auth_time":          loggedIn.Unix(),
		"iat":                now.Unix(),
		"exp":                now.Add(demoTokenTTL).Unix(),
	}).SignedString([]byte(d.tokenKey))
}

// servePhoto draws the first letter of a user's name on a colored background.
func servePhoto(w http.ResponseWriter, r *http.Request) {
	id, isSVG := strings.CutSuffix(r.PathValue("file"), ".svg")
	u, ok := findDemoUser(id)
	if !ok || !isSVG {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">`+
		`<rect width="96" height="96" fill="%s"/>`+
		`<text x="48" y="64" font-family="sans-serif" font-size="46" text-anchor="middle" fill="#fff">%c</text></svg>`,
		u.color, u.name[0])
}

func findDemoUser(id string) (demoUser, bool) {
	for _, u := range demoUsers {
		if u.id == id {
			return u, true
		}
	}
	return demoUser{}, false
}

var (
	errDemoQuery = errors.New(`the body must be {"user":"alice"}`)
	errDemoUser  = errors.New("unknown user; try alice, bob or carol")
)

// demoRefusals holds status and Chinese text of each error; the English text is the error.
var demoRefusals = [...]struct {
	err    error
	status int
	zh     string
}{
	{errDemoQuery, http.StatusBadRequest, `请求体必须是 {"user":"alice"}`},
	{errDemoUser, http.StatusNotFound, "没有这个用户，可用 alice、bob 或 carol"},
}

func refuseDemo(w http.ResponseWriter, r *http.Request, err error) {
	for _, row := range demoRefusals {
		if errors.Is(err, row.err) {
			message := row.err.Error()
			if strings.HasPrefix(r.Header.Get("x-authing-lang"), "zh") {
				message = row.zh
			}
			answerDemo(w, row.status, map[string]string{"message": message})
			return
		}
	}
	answerDemo(w, http.StatusBadRequest, map[string]string{"message": "the request was interrupted"})
}

func answerDemo(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the client is gone
}
