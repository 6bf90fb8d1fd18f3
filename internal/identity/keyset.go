package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/scanlogin/scanlogin/internal/safehttp"
)

const (
	// keysMaxAge is how long a key set is used before it is fetched again, and so how
	// long a key that the issuer withdrew is still accepted.
	keysMaxAge = 5 * time.Minute

	// keysRetry is the pause after a failed fetch.
	keysRetry = time.Minute

	// staleWait is how long a token with a known key waits for an outdated key set to be
	// fetched. A healthy issuer needs less; a hanging one must not stop logins.
	staleWait = 500 * time.Millisecond

	// maxKeySetBytes is far more than real key sets have, which is a few kilobytes.
	maxKeySetBytes = 1 << 20
)

// keySet caches an issuer's published keys. It fetches them when a token needs them: for
// the first token, for a token with an unknown key, and when the set is older than
// keysMaxAge. All waiting callers share one fetch, and at most one fetch starts per second
// (two after a pause), so that invalid tokens cannot overload the issuer. They cannot lock
// out a new key either, since each fetch returns the newest set.
//
// The package does not use keyfunc because its key sets fetch during construction, refresh
// in a goroutine of their own, and do not distinguish "no such key" from "the issuer is
// unavailable".
type keySet struct {
	fetcher fetcher
	url     string // empty: found by discovery
	issuer  string
	limit   *rate.Limiter
	flight  singleflight.Group
	current atomic.Pointer[fetchedKeys] // written by the flight only
}

// fetchedKeys is the state after the last fetch.
type fetchedKeys struct {
	keys []webKey  // of the last successful fetch
	due  time.Time // when to fetch again
	err  error     // of the last fetch
}

func newKeySet(url, issuer string, transport http.RoundTripper) *keySet {
	s := &keySet{
		fetcher: newFetcher(transport, cmp.Or(url, issuer), maxKeySetBytes, checkRedirect),
		url:     url,
		issuer:  issuer,
		limit:   rate.NewLimiter(rate.Every(time.Second), 2),
	}
	s.current.Store(new(fetchedKeys))
	return s
}

// key returns the key for a token. The error is ErrRefused if the issuer has no such key by
// the last fetch, and ErrUnavailable if that fetch failed.
func (s *keySet) key(ctx context.Context, kid, alg string) (any, error) {
	current := s.current.Load()
	key := findKey(current.keys, kid, alg)
	if key != nil && time.Now().Before(current.due) {
		return key, nil
	}
	if key != nil {
		wait, cancel := context.WithTimeout(ctx, staleWait)
		defer cancel()
		_ = s.refresh(wait) // if it fails, the cached set decides
	} else if err := s.refresh(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	current = s.current.Load()
	if key = findKey(current.keys, kid, alg); key != nil {
		return key, nil
	}
	if current.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, current.err)
	}
	return nil, fmt.Errorf("%w: the issuer has no such key", ErrRefused)
}

// refresh fetches the set if the rate limit allows it, or waits for a fetch in progress. The
// only error is that of ctx.
func (s *keySet) refresh(ctx context.Context) error {
	done := s.flight.DoChan("", func() (any, error) {
		if s.limit.Allow() {
			s.current.Store(s.fetch(context.WithoutCancel(ctx)))
		}
		return nil, nil
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch returns the new state.
func (s *keySet) fetch(ctx context.Context) *fetchedKeys {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	keys, err := s.load(ctx)
	if err != nil {
		return &fetchedKeys{keys: s.current.Load().keys, due: time.Now().Add(keysRetry), err: err}
	}
	return &fetchedKeys{keys: keys, due: time.Now().Add(keysMaxAge)}
}

func (s *keySet) load(ctx context.Context) ([]webKey, error) {
	address := s.url
	if address == "" {
		var err error
		if address, err = s.discover(ctx); err != nil {
			return nil, fmt.Errorf("discovery: %w", err)
		}
	}
	body, err := s.get(ctx, address)
	if errors.Is(err, safehttp.ErrNotPublic) {
		return nil, fmt.Errorf("key set: %w: to allow it, set jwks_url to its address", err)
	}
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return parseKeys(body)
}

// discover returns the address of the issuer's key set (OpenID Connect Discovery 4).
func (s *keySet) discover(ctx context.Context) (string, error) {
	body, err := s.get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var about struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if json.Unmarshal(body, &about) != nil {
		return "", errors.New("the response is not JSON")
	}
	if about.Issuer != s.issuer {
		return "", fmt.Errorf("the discovery document of %q has the issuer %.100q", s.issuer, about.Issuer)
	}
	if !strings.HasPrefix(s.issuer, "http:") && !strings.HasPrefix(about.JWKSURI, "https:") {
		return "", errors.New("jwks_uri: must be https, like the issuer")
	}
	return about.JWKSURI, checkURL("jwks_uri", about.JWKSURI)
}

func (s *keySet) get(ctx context.Context, address string) ([]byte, error) {
	status, body, err := s.fetcher.get(ctx, address, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s returned status %d", address, status)
	}
	return body, err
}
