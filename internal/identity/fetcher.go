package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// callTimeout is for everything that one fetch asks for, from the first
	// lookup of a name to the last byte. A live issuer takes a fraction of a
	// second; a phone's user gives up at about this time.
	callTimeout = 5 * time.Second

	// maxRedirects is for moved key sets; each is a round trip.
	maxRedirects = 3
)

// getter makes GET calls whose answers are of bounded size.
type getter struct {
	client   *http.Client
	maxBytes int64 // of a body, after decompression
}

// newGetter uses transport, or our own for calls to address and to where its
// answers lead if that is nil. redirect is as for [http.Client].
func newGetter(transport http.RoundTripper, address string, maxBytes int64, redirect func(*http.Request, []*http.Request) error) getter {
	if transport == nil {
		transport = newHosts(address)
	}
	return getter{
		client:   &http.Client{Transport: transport, CheckRedirect: redirect},
		maxBytes: maxBytes,
	}
}

// fewRedirects follows maxRedirects, and none from https to http.
func fewRedirects(next *http.Request, past []*http.Request) error {
	if len(past) > maxRedirects {
		return errors.New("too many redirects")
	}
	if past[len(past)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("redirect from https to http")
	}
	return nil
}

// get asks address, with token as bearer unless that is empty, and returns the
// answer's status, and its body if that is 200. No error quotes the token.
func (g getter) get(ctx context.Context, address, token string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		// net/http quotes malformed answers, and those may be an echo.
		if token != "" && strings.Contains(err.Error(), token) {
			err = errors.New("malformed answer")
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, g.maxBytes) // lets the connection be used again
		return resp.StatusCode, nil, nil
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, g.maxBytes+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	if int64(len(body)) > g.maxBytes {
		return 0, nil, fmt.Errorf("answer has more than %d bytes", g.maxBytes)
	}
	return resp.StatusCode, body, nil
}

// checkURL returns an error that names field unless address can be asked.
func checkURL(field, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("%s: must be a whole address, like https://id.example.com/path", field)
	}
	return nil
}
