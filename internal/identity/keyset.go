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
	// keysFresh is how long a set is used without asking again, and so how
	// long a key that a live issuer withdrew may still verify.
	keysFresh = 5 * time.Minute

	// keysRetry is the pause after a set that is due could not be fetched.
	keysRetry = time.Minute

	// staleWait is how long a token whose key is known waits for a set that
	// is due. A live issuer needs less; a hanging one must not stop logins.
	staleWait = 500 * time.Millisecond

	// maxKeySetBytes is far beyond any real set, which has some kilobytes.
	maxKeySetBytes = 1 << 20
)

// keySet holds an issuer's published keys. It asks for them when a token needs
// them: for the first one, for one with a key that is not known, and when the
// set is due. All who wait share one fetch, and at most one begins a second
// (two, after a quiet time), so that bad tokens cannot hammer the issuer; nor
// can they lock out a new key, since each fetch brings the newest set.
//
// It is ours because keyfunc's sets fetch while they are constructed, refresh
// in a goroutine of their own, and cannot tell "no such key" from "the issuer
// is away".
type keySet struct {
	calls  getter
	url    string // empty: ask the issuer where
	issuer string
	limit  *rate.Limiter
	flight singleflight.Group
	held   atomic.Pointer[heldKeys] // stored by the flight only
}

// heldKeys is what the last fetch left.
type heldKeys struct {
	keys []webKey  // newest that could be fetched
	due  time.Time // when to ask again
	err  error     // of the last fetch
}

func newKeySet(url, issuer string, transport http.RoundTripper) *keySet {
	s := &keySet{
		calls:  newGetter(transport, cmp.Or(url, issuer), maxKeySetBytes, fewRedirects),
		url:    url,
		issuer: issuer,
		limit:  rate.NewLimiter(rate.Every(time.Second), 2),
	}
	s.held.Store(new(heldKeys))
	return s
}

// key returns the key for a token; ErrRefused if the issuer has none such, as
// far as could be asked lately; ErrUnavailable if that could not be learned.
func (s *keySet) key(ctx context.Context, kid, alg string) (any, error) {
	held := s.held.Load()
	key := find(held.keys, kid, alg)
	if key != nil && time.Now().Before(held.due) {
		return key, nil
	}
	if key != nil {
		wait, cancel := context.WithTimeout(ctx, staleWait)
		defer cancel()
		_ = s.refresh(wait) // whatever comes of it, the newest known set decides
	} else if err := s.refresh(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	held = s.held.Load()
	if key = find(held.keys, kid, alg); key != nil {
		return key, nil
	}
	if held.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, held.err)
	}
	return nil, fmt.Errorf("%w: the issuer has no such key", ErrRefused)
}

// refresh waits until a fetch that is under way or allowed now is over. Its
// only error is ctx's.
func (s *keySet) refresh(ctx context.Context) error {
	done := s.flight.DoChan("", func() (any, error) {
		if s.limit.Allow() {
			s.held.Store(s.fetch(context.WithoutCancel(ctx)))
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

// fetch returns what to hold from now on.
func (s *keySet) fetch(ctx context.Context) *heldKeys {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	keys, err := s.load(ctx)
	if err != nil {
		return &heldKeys{keys: s.held.Load().keys, due: time.Now().Add(keysRetry), err: err}
	}
	return &heldKeys{keys: keys, due: time.Now().Add(keysFresh)}
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
		return nil, fmt.Errorf("key set: %w: if it shall be asked, name it as jwks_url", err)
	}
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return parseKeys(body)
}

// discover asks the issuer where its keys are (OpenID Connect Discovery 4).
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
		return "", errors.New("the answer is not JSON")
	}
	if about.Issuer != s.issuer {
		return "", fmt.Errorf("%q calls itself %.100q", s.issuer, about.Issuer)
	}
	if !strings.HasPrefix(s.issuer, "http:") && !strings.HasPrefix(about.JWKSURI, "https:") {
		return "", errors.New("jwks_uri: must be https, as the issuer is")
	}
	return about.JWKSURI, checkURL("jwks_uri", about.JWKSURI)
}

func (s *keySet) get(ctx context.Context, address string) ([]byte, error) {
	status, body, err := s.calls.get(ctx, address, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answers with status %d", address, status)
	}
	return body, err
}
