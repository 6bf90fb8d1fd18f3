package identity

import (
	"bytes"
	"compress/gzip"
	"crypto/elliptic"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/safehttp"
)

// TestRedirectsCannotReachThePrivateNetwork has a configured issuer on the private network
// redirect to a neighbor there that is not configured and whose keys would be accepted.
func TestRedirectsCannotReachThePrivateNetwork(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, key.Public(), named("k")))
	neighbor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the neighbor was asked for %s", r.URL)
		w.Write(*i.body.Load())
	}))
	t.Cleanup(neighbor.Close)
	byName := strings.Replace(neighbor.URL, "127.0.0.1", "localhost", 1)
	for _, there := range []string{neighbor.URL, byName} {
		i.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, there, http.StatusFound) }))
		for _, config := range []JWTConfig{{JWKSURL: i.url + "/jwks.json"}, {Issuer: i.url}} {
			_, err := newJWT(t, config).Identify(t.Context(), es256(t, key, "k", i.url), time.Now(), 0)
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, safehttp.ErrNotPublic) {
				t.Errorf("redirect to %s: %v", there, err)
			}
		}
	}
}

func TestDiscoveryCannotReachThePrivateNetwork(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i, neighbor := newIssuer(t), newIssuer(t, published(t, key.Public(), named("k")))
	i.about = func() map[string]any {
		return map[string]any{"issuer": i.url, "jwks_uri": neighbor.url + "/jwks.json"}
	}
	token := es256(t, key, "k", i.url)
	_, err := newJWT(t, JWTConfig{Issuer: i.url}).Identify(t.Context(), token, time.Now(), 0)
	if !errors.Is(err, safehttp.ErrNotPublic) || !strings.Contains(err.Error(), "jwks_url") || neighbor.calls.Load() > 0 {
		t.Errorf("%v, after %d calls", err, neighbor.calls.Load())
	}
	// The operator may configure the same address.
	accept(t, newJWT(t, JWTConfig{Issuer: i.url, JWKSURL: neighbor.url + "/jwks.json"}), token, 0)
}

// counting is a transport that counts how many bytes of the decompressed bodies are read.
type counting struct {
	http.RoundTripper
	read atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &countedBody{resp.Body, &c.read}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}

// TestResponsesAreBoundedAfterDecompression sends a few kilobytes that decompress to megabytes:
// the response is refused, and only the allowed size is read.
func TestResponsesAreBoundedAfterDecompression(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, `{"sub":"alice"}`+strings.Repeat(" ", 8<<20))
	w.Close()
	var status atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(int(status.Load()))
		w.Write(packed.Bytes())
	}))
	defer server.Close()
	if packed.Len() > maxUserinfoBytes {
		t.Fatalf("%d bytes are too many to begin with", packed.Len())
	}
	for _, code := range []int{http.StatusOK, http.StatusInternalServerError} {
		status.Store(int64(code))
		transport := &counting{RoundTripper: safehttp.Transport(nil)}
		t.Cleanup(transport.RoundTripper.(*http.Transport).CloseIdleConnections)
		reject(t, newUserinfo(t, UserinfoConfig{URL: server.URL, transport: transport}), testToken, ErrUnavailable)
		if n := transport.read.Load(); n == 0 || n > maxUserinfoBytes+1 {
			t.Errorf("status %d: %d bytes were read, at most %d may be", code, n, maxUserinfoBytes+1)
		}
	}
}
