package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const (
	sessionLife = 24 * time.Hour
	maxSessions = 10_000
	maxCodes    = 10 // per session
)

// session is the session of a visitor, from the first page on.
type session struct {
	id    string
	user  json.RawMessage // nil before the login
	codes []string        // shown in the session
	until time.Time
}

// sessions contains all sessions; a real site uses a database.
type sessions struct {
	secure bool // https
	cookie string

	mu sync.Mutex
	m  map[string]session
}

func newSessions(secure bool) *sessions {
	cookie := "session"
	if secure {
		cookie = "__Host-session"
	}
	return &sessions{secure: secure, cookie: cookie, m: make(map[string]session)}
}

// of returns the visitor's session, a new one if there is none.
func (all *sessions) of(w http.ResponseWriter, r *http.Request) session {
	if cookie, err := r.Cookie(all.cookie); err == nil {
		all.mu.Lock()
		s, ok := all.m[cookie.Value]
		all.mu.Unlock()
		if ok && time.Now().Before(s.until) {
			return s
		}
	}
	return all.open(w, nil)
}

func (all *sessions) open(w http.ResponseWriter, user json.RawMessage) session {
	s := session{id: rand.Text(), user: user, until: time.Now().Add(sessionLife)}
	all.mu.Lock()
	for id := range all.m {
		if len(all.m) < maxSessions {
			break
		}
		delete(all.m, id) // any session
	}
	all.m[s.id] = s
	all.mu.Unlock()
	// #nosec G124 -- Secure where the site is https
	http.SetCookie(w, &http.Cookie{
		Name: all.cookie, Value: s.id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: all.secure,
	})
	return s
}

// note records a code that was shown in a session.
func (all *sessions) note(id, random string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	s, ok := all.m[id]
	if !ok {
		return
	}
	s.codes = append(s.codes[max(0, len(s.codes)-maxCodes+1):len(s.codes):len(s.codes)], random)
	all.m[id] = s
}

func (all *sessions) end(id string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.m, id)
}
