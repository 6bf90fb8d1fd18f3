// Command scanlogin-site is the back end of a site whose users log in by scanning a
// code. It exchanges the ticket, server to server, and creates its own session.
//
// An attacker cannot log a visitor in as another user (login CSRF): every visitor
// has a session from the first page on; requests that change it must come from a page
// of this site (Origin); and a ticket is accepted only in the session in which its
// code was shown.
//
//	EXAMPLE_SECRET=… go run .
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// site is the configuration of the back end.
type site struct {
	origin    string // this site's origin, as browsers send it
	scanlogin string // address of the scanlogin server
	pool      string
	secret    string // of the user pool
	pages     string // folder
	sessions  *sessions
}

func main() {
	listen := cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:3000")
	s := &site{
		origin:    cmp.Or(os.Getenv("SITE_ORIGIN"), "http://"+listen),
		scanlogin: cmp.Or(os.Getenv("SCANLOGIN_URL"), "http://127.0.0.1:8080"),
		pool:      cmp.Or(os.Getenv("SCANLOGIN_POOL"), "example"),
		secret:    os.Getenv("EXAMPLE_SECRET"),
		pages:     cmp.Or(os.Getenv("PAGES"), filepath.Join("..", "page")),
	}
	if s.secret == "" {
		log.Fatal("EXAMPLE_SECRET is not set: it is the secret of the user pool")
	}
	s.sessions = newSessions(strings.HasPrefix(s.origin, "https:"))
	srv := &http.Server{Addr: listen, Handler: s.handler(), ReadTimeout: 10 * time.Second}
	fmt.Printf("open %s/\n", s.origin)
	log.Fatal(srv.ListenAndServe())
}

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", s.action(s.me))
	mux.HandleFunc("POST /login/code", s.action(s.shown))
	mux.HandleFunc("POST /login", s.action(s.login))
	mux.HandleFunc("POST /logout", s.action(s.logout))
	mux.HandleFunc("GET /{$}", s.front)
	mux.Handle("GET /", http.FileServer(http.Dir(s.pages)))
	return s.secure(mux)
}

// secure sets a policy that allows the site's own files and the scanlogin server only.
func (s *site) secure(next http.Handler) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'", "script-src 'self' " + s.scanlogin, "style-src 'self'", "img-src 'self' https: data: " + s.scanlogin,
		"connect-src 'self' " + s.scanlogin + " " + strings.Replace(s.scanlogin, "http", "ws", 1),
		"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// front serves the page and creates the visitor's session.
func (s *site) front(w http.ResponseWriter, r *http.Request) {
	page, err := os.ReadFile(filepath.Join(s.pages, "index.html"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	s.sessions.of(w, r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = strings.NewReplacer("{{scanlogin}}", s.scanlogin, "{{pool}}", s.pool).WriteString(w, string(page))
}

// body is the body of the pages' requests.
type body struct {
	Random string `json:"random"`
	Ticket string `json:"ticket"`
}

// refusal is an error response.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

// action responds with JSON. Requests that change something must come from this site's own
// pages: browsers send the page's origin with each POST, and no page can forge it.
func (s *site) action(do func(http.ResponseWriter, session, body) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in body
		var answer any
		err := error(nil)
		if r.Method == http.MethodPost && r.Header.Get("Origin") != s.origin {
			err = &refusal{http.StatusForbidden, "from another site"}
		} else if r.Method == http.MethodPost && json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&in) != nil {
			err = &refusal{http.StatusBadRequest, "not JSON"}
		} else {
			answer, err = do(w, s.sessions.of(w, r), in)
		}
		status := http.StatusOK
		if refused, ok := errors.AsType[*refusal](err); ok {
			status, answer = refused.status, map[string]string{"message": refused.message}
		} else if err != nil {
			log.Print(err)
			status, answer = http.StatusBadGateway, map[string]string{"message": "try again later"}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func (s *site) me(_ http.ResponseWriter, visitor session, _ body) (any, error) {
	return visitor.user, nil
}

// shown records that a code was shown to the visitor.
func (s *site) shown(_ http.ResponseWriter, visitor session, in body) (any, error) {
	if len(in.Random) != 30 {
		return nil, &refusal{http.StatusBadRequest, "random is missing"}
	}
	s.sessions.note(visitor.id, in.Random)
	return struct{}{}, nil
}

// login accepts a ticket of a code that was shown in this session, and creates a session
// with a new id, which an attacker cannot know.
func (s *site) login(w http.ResponseWriter, visitor session, in body) (any, error) {
	random, _, _ := strings.Cut(in.Ticket, ".")
	if !slices.Contains(visitor.codes, random) {
		return nil, &refusal{http.StatusForbidden, "this code was not shown here"}
	}
	user, err := s.exchange(in.Ticket)
	if err != nil {
		return nil, err
	}
	s.sessions.end(visitor.id)
	s.sessions.open(w, user)
	return user, nil
}

func (s *site) logout(w http.ResponseWriter, visitor session, _ body) (any, error) {
	s.sessions.end(visitor.id)
	s.sessions.open(w, nil)
	return struct{}{}, nil
}

// client is for calls to the scanlogin server, which answers within 2 s.
var client = &http.Client{Timeout: 5 * time.Second}

// exchange exchanges a ticket for the user. It works once, and only with the pool's
// secret.
func (s *site) exchange(ticket string) (json.RawMessage, error) {
	text, err := json.Marshal(body{Ticket: ticket})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, s.scanlogin+"/api/v2/qrcode/userinfo", bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(s.pool, s.secret)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var answer struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Code != http.StatusOK {
		return nil, &refusal{http.StatusForbidden, answer.Message}
	}
	return answer.Data, nil
}
