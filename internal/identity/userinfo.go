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
	// userTTL is how long a user is cached: the time of one login, in which the same
	// token arrives two or three times.
	userTTL = 60 * time.Second

	// refusalTTL is shorter: it only limits the calls for a flood of the same bad token.
	refusalTTL = 5 * time.Second

	// maxUserinfoBytes is far more than a user has, of which 4 KiB are kept.
	maxUserinfoBytes = 64 << 10
)

// UserinfoConfig configures a Userinfo.
type UserinfoConfig struct {
	URL       string
	Claims    Claims            // claim names in the response
	transport http.RoundTripper // for tests; nil: a hostPolicy
}

// Userinfo is an [Identity] that sends each token to an address, which responds with 200
// and one JSON object to a valid token and with 4xx to others. Every token that the address
// accepts can log in, so it must belong to the site.
//
// A user is cached for 60 s and a refusal for 5 s, by the token's SHA-256. Concurrent calls
// for the same token share one request, whatever their maxAge. The age of an answer counts
// from the start of the request.
type Userinfo struct {
	fetcher fetcher
	url     string
	claims  Claims
	cache   *cache
	flight  singleflight.Group // by the token's SHA-256
}

// NewUserinfo returns the identity for c. Its errors begin with the name of the setting.
func NewUserinfo(c UserinfoConfig) (*Userinfo, error) {
	if err := checkURL("url", c.URL); err != nil {
		return nil, err
	}
	return &Userinfo{
		fetcher: newFetcher(c.transport, c.URL, maxUserinfoBytes, safehttp.NoRedirects),
		url:     c.URL,
		claims:  c.Claims,
		cache:   newCache(),
	}, nil
}

// Identify implements [Identity].
func (u *Userinfo) Identify(ctx context.Context, token string, _ time.Time, maxAge time.Duration) (session.User, error) {
	if len(token) > maxTokenBytes || !isPrintable(token) {
		return session.User{}, fmt.Errorf("%w: not 1 to %d printable ASCII characters", ErrRefused, maxTokenBytes)
	}
	digest := sha256.Sum256([]byte(token))
	if a, ok := u.cache.Get(digest); ok && a.isFresh(maxAge) {
		return a.user, a.err
	}
	done := u.flight.DoChan(string(digest[:]), func() (any, error) {
		a := u.ask(context.WithoutCancel(ctx), token)
		if !errors.Is(a.err, ErrUnavailable) {
			u.cache.Put(digest, a)
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

// ask sends the request and returns its answer with a TTL.
func (u *Userinfo) ask(ctx context.Context, token string) answer {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	asked := time.Now()
	user, err := u.call(ctx, token)
	if err != nil {
		return answer{err: err, asked: asked, ttl: refusalTTL}
	}
	return answer{user: user, asked: asked, ttl: userTTL}
}

func (u *Userinfo) call(ctx context.Context, token string) (session.User, error) {
	status, body, err := u.fetcher.get(ctx, u.url, token)
	if err != nil {
		return session.User{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := statusError(status); err != nil {
		return session.User{}, err
	}
	claims, err := decodeObject(body)
	if err != nil {
		return session.User{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return u.claims.user(claims)
}

// statusError returns the error for a response status, nil for 200.
func statusError(status int) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		// About the request, not about the token.
	case status >= 400 && status < 500:
		return fmt.Errorf("%w: userinfo returned status %d", ErrRefused, status)
	}
	return fmt.Errorf("%w: userinfo returned status %d", ErrUnavailable, status)
}

// decodeObject decodes one JSON object, with numbers as [json.Number].
func decodeObject(body []byte) (map[string]any, error) {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&object) != nil || object == nil {
		return nil, errors.New("the response is not a JSON object")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("the response has data after the JSON object")
	}
	return object, nil
}

// isPrintable reports whether token has only printable ASCII characters and can be sent in a
// header unchanged.
func isPrintable(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
