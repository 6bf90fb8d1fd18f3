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
	// callTimeout bounds a whole fetch, from the first DNS lookup to the last byte. A
	// healthy issuer takes a fraction of a second; users give up at about this time.
	callTimeout = 5 * time.Second

	// maxRedirects allows for moved key sets; each redirect is a round trip.
	maxRedirects = 3
)

// fetcher sends GET requests and bounds the size of the responses.
type fetcher struct {
	client   *http.Client
	maxBytes int64 // of a body, after decompression
}

// newFetcher uses transport, or if that is nil a [hostPolicy] for address. redirect is the
// CheckRedirect of [http.Client].
func newFetcher(transport http.RoundTripper, address string, maxBytes int64, redirect func(*http.Request, []*http.Request) error) fetcher {
	if transport == nil {
		transport = newHostPolicy(address)
	}
	return fetcher{
		client:   &http.Client{Transport: transport, CheckRedirect: redirect},
		maxBytes: maxBytes,
	}
}

// checkRedirect allows maxRedirects redirects, and none from https to http.
func checkRedirect(next *http.Request, past []*http.Request) error {
	if len(past) > maxRedirects {
		return errors.New("too many redirects")
	}
	if past[len(past)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("redirect from https to http")
	}
	return nil
}

// get requests address, with token as bearer token unless it is empty. It returns the
// status, and the body if the status is 200. No error contains the token.
func (f fetcher) get(ctx context.Context, address, token string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		// net/http quotes malformed responses, which may echo the token.
		if token != "" && strings.Contains(err.Error(), token) {
			err = errors.New("malformed response")
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, f.maxBytes) // allows the connection to be reused
		return resp.StatusCode, nil, nil
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, f.maxBytes+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read response: %w", err)
	}
	if int64(len(body)) > f.maxBytes {
		return 0, nil, fmt.Errorf("response has more than %d bytes", f.maxBytes)
	}
	return resp.StatusCode, body, nil
}

// checkURL returns an error that names field if address is not an absolute http or https
// URL.
func checkURL(field, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("%s: must be an absolute URL, such as https://id.example.com/path", field)
	}
	return nil
}
