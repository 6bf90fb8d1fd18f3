package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const api = "/api/v2/qrcode/"

// refusal is an answer with another code than 200.
type refusal struct {
	path string
	code int
	text string
}

// Error names the flag or setting that avoids the refusal.
func (r refusal) Error() string {
	cure := ""
	switch r.code {
	case http.StatusTooManyRequests:
		cure = "; raise the server's limits for the run"
	case 1001:
		cure = "; --secret is not the pool's secret"
	case 2020:
		cure = "; --user-key is not the pool's identity.jwt.hs256_secret, or, without --user-key, the pool does not allow vouching"
	case 2224:
		cure = "; --pool is not a pool of the server"
	}
	return fmt.Sprintf("%s was answered %d (%s)%s", r.path, r.code, r.text, cure)
}

// post makes an API call to the first node and decodes the answer's data into
// into, unless that is nil.
func (s *system) post(ctx context.Context, path string, authorize func(*http.Request), body, into any) error {
	q, err := jsonRequest(ctx, s.first().url+api+path, body)
	if err != nil {
		return err
	}
	authorize(q)
	return s.call(q, into)
}

// call sends a request that must be answered with code 200, and decodes the
// answer's data into into, unless that is nil.
func (s *system) call(q *http.Request, into any) error {
	path := strings.TrimPrefix(q.URL.Path, api)
	response, err := s.client.Do(q)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	var answer struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s was answered %s, which is not an answer of scanlogin: %w", path, response.Status, err)
	}
	if answer.Code != http.StatusOK {
		return refusal{path, answer.Code, answer.Message}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, into)
}

func jsonRequest(ctx context.Context, url string, body any) (*http.Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	return q, nil
}

// send sends a request that must succeed, and returns the answer.
func (s *system) send(q *http.Request) ([]byte, http.Header, error) {
	answer, err := s.client.Do(q)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode/100 != 2 {
		err = errors.New(q.URL.Path + " was answered " + answer.Status + ": " + string(text))
	}
	return text, answer.Header, err
}

func (s *system) asSite(q *http.Request) { q.SetBasicAuth(s.pool, s.secret) }

// phone is the phone of one user.
type phone struct {
	s     *system
	user  string
	token string // "": the pool's secret vouches for the user
}

func (s *system) newPhone(user string) (*phone, error) {
	p := &phone{s: s, user: user}
	if s.userKey == "" {
		return p, nil
	}
	var err error
	p.token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "nickname": user, "exp": time.Now().Add(24 * time.Hour).Unix(),
	}).SignedString([]byte(s.userKey))
	return p, err
}

// newPhones returns the phones of n users. Their tokens are signed here, not
// during the measurement.
func (s *system) newPhones(n int) ([]*phone, error) {
	all := make([]*phone, n)
	for i := range all {
		var err error
		if all[i], err = s.newPhone(fmt.Sprintf("user %d", i)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// step makes one of the phone's calls: scanned, confirm or cancel. Peers have the first two.
func (p *phone) step(ctx context.Context, path, random string) error {
	if !p.s.kind.isScanlogin() {
		q, err := jsonRequest(ctx, p.s.first().url+"/"+path+"/"+random, map[string]string{"random": random})
		if err == nil {
			q.Header.Set("Authorization", "Bearer "+p.token)
			err = p.s.call(q, nil)
		}
		return err
	}
	if p.token == "" {
		return p.s.post(ctx, path, p.s.asSite, map[string]any{"random": random, "user": map[string]string{"id": p.user, "nickname": p.user}}, nil)
	}
	bearer := func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+p.token) }
	return p.s.post(ctx, path, bearer, map[string]string{"random": random}, nil)
}

// exchange exchanges a ticket, which must be that user's.
func (s *system) exchange(ctx context.Context, ticket, user string) error {
	var got struct {
		ID string `json:"id"`
	}
	if err := s.post(ctx, "userinfo", s.asSite, map[string]string{"ticket": ticket}, &got); err != nil {
		return err
	}
	if got.ID != user {
		return fmt.Errorf("the ticket of %q was exchanged for %q", user, got.ID)
	}
	return nil
}

// code is a code created by gene.
type code struct{ Random, BrowserKey string }

func (s *system) createCode(ctx context.Context) (c code, err error) {
	err = s.post(ctx, "gene", s.asSite, map[string]string{"userPoolId": s.pool}, &c)
	return c, err
}
