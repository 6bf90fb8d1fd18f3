package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/scanlogin/scanlogin/internal/safehttp"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// keepUser is how long a good answer is used without asking again: the
	// time of one login, in which the same token comes two or three times.
	keepUser = 60 * time.Second

	// keepRefusal is shorter, since it only has to blunt a storm of the same
	// bad token.
	keepRefusal = 5 * time.Second

	// maxUserinfoBytes is far beyond a user, of whom 4 KiB are kept.
	maxUserinfoBytes = 64 << 10
)

// UserinfoConfig names the address that tells users by their tokens.
type UserinfoConfig struct {
	URL       string
	Claims    Claims            // names in the answer
	Transport http.RoundTripper // for the calls; nil: our own, without proxy
}

// Userinfo is an [Identity] that passes each token on to an address, which
// answers 200 with one JSON object for a good one, and 4xx for others. Every
// token that the address accepts logs in, so it must be the site's own.
//
// A user is remembered for 60 s and a refusal for 5 s, by the token's SHA-256.
// Calls for the same token at the same time are one, whatever their maxAge. An
// answer's age counts from when it was asked for.
type Userinfo struct {
	calls  getter
	url    string
	claims Claims
	cache  *cache
	flight singleflight.Group // by the token's SHA-256
}

// NewUserinfo returns the identity for c; its errors begin with the field in
// question, as the configuration names it.
func NewUserinfo(c UserinfoConfig) (*Userinfo, error) {
	if err := checkURL("url", c.URL); err != nil {
		return nil, err
	}
	return &Userinfo{
		calls:  newGetter(c.Transport, c.URL, maxUserinfoBytes, safehttp.NoRedirects),
		url:    c.URL,
		claims: c.Claims,
		cache:  newCache(maxAnswers),
	}, nil
}

// Identify implements [Identity].
func (u *Userinfo) Identify(ctx context.Context, token string, _ time.Time, maxAge time.Duration) (session.User, error) {
	if len(token) > maxTokenBytes || !isVisible(token) {
		return session.User{}, fmt.Errorf("%w: not 1 to %d visible characters", ErrRefused, maxTokenBytes)
	}
	digest := sha256.Sum256([]byte(token))
	if a, ok := u.cache.get(digest, maxAge); ok {
		return a.user, a.err
	}
	done := u.flight.DoChan(string(digest[:]), func() (any, error) {
		a := u.ask(context.WithoutCancel(ctx), token)
		if !errors.Is(a.err, ErrUnavailable) {
			u.cache.put(digest, a)
		}
		return a, nil
	})
	select {
	case result := <-done:
		a := result.Val.(answer)
		return a.user, a.err
	case <-ctx.Done():
		return session.User{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// ask makes the call and says how long its answer may be used.
func (u *Userinfo) ask(ctx context.Context, token string) answer {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	asked := time.Now()
	user, err := u.call(ctx, token)
	if err != nil {
		return answer{err: err, asked: asked, keep: keepRefusal}
	}
	return answer{user: user, asked: asked, keep: keepUser}
}

func (u *Userinfo) call(ctx context.Context, token string) (session.User, error) {
	status, body, err := u.calls.get(ctx, u.url, token)
	if err != nil {
		return session.User{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := meaning(status); err != nil {
		return session.User{}, err
	}
	claims, err := decodeObject(body)
	if err != nil {
		return session.User{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return u.claims.user(claims)
}

// meaning is nil for a status that brings a user.
func meaning(status int) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		// These are about the call and say nothing of the token.
	case status >= 400 && status < 500:
		return fmt.Errorf("%w: userinfo answers with status %d", ErrRefused, status)
	}
	return fmt.Errorf("%w: userinfo answers with status %d", ErrUnavailable, status)
}

// decodeObject reads one JSON object, its numbers as [json.Number].
func decodeObject(body []byte) (map[string]any, error) {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&object) != nil || object == nil {
		return nil, errors.New("the answer is not a JSON object")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("the answer is more than a JSON object")
	}
	return object, nil
}

// isVisible reports whether token can stand in a header as it is.
func isVisible(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
