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

// TestNoRedirectLeadsInside has an issuer in the own network, which may be asked,
// lead to a neighbour there, whom nobody configured. Its keys would be
// taken.
func TestNoRedirectLeadsInside(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, key.Public(), named("k")))
	neighbour := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the neighbour was asked for %s", r.URL)
		w.Write(*i.body.Load())
	}))
	t.Cleanup(neighbour.Close)
	byName := strings.Replace(neighbour.URL, "127.0.0.1", "localhost", 1)
	for _, there := range []string{neighbour.URL, byName} {
		i.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, there, http.StatusFound) }))
		for _, config := range []JWTConfig{{JWKSURL: i.url + "/jwks.json"}, {Issuer: i.url}} {
			_, err := newJWT(t, config).Identify(t.Context(), es256(t, key, "k", i.url), time.Now(), 0)
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, safehttp.ErrNotPublic) {
				t.Errorf("redirect to %s: %v", there, err)
			}
		}
	}
}

func TestNoDiscoveryLeadsInside(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i, neighbour := newIssuer(t), newIssuer(t, published(t, key.Public(), named("k")))
	i.about = func() map[string]any {
		return map[string]any{"issuer": i.url, "jwks_uri": neighbour.url + "/jwks.json"}
	}
	token := es256(t, key, "k", i.url)
	_, err := newJWT(t, JWTConfig{Issuer: i.url}).Identify(t.Context(), token, time.Now(), 0)
	if !errors.Is(err, safehttp.ErrNotPublic) || !strings.Contains(err.Error(), "jwks_url") || neighbour.calls.Load() > 0 {
		t.Errorf("%v, after %d calls", err, neighbour.calls.Load())
	}
	// The operator's own word is another thing.
	accept(t, newJWT(t, JWTConfig{Issuer: i.url, JWKSURL: neighbour.url + "/jwks.json"}), token, 0)
}

// counting is a transport that counts how much of the bodies of answers is read, after
// they were unpacked.
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

// TestAnAnswerIsBoundedAfterItIsUnpacked sends an answer in a few kilobytes that
// become megabytes: it is refused, and no more of it is read than may be used.
func TestAnAnswerIsBoundedAfterItIsUnpacked(t *testing.T) {
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
		reject(t, newUserinfo(t, UserinfoConfig{URL: server.URL, Transport: transport}), testToken, ErrUnavailable)
		if n := transport.read.Load(); n == 0 || n > maxUserinfoBytes+1 {
			t.Errorf("status %d: %d bytes were read, at most %d may be", code, n, maxUserinfoBytes+1)
		}
	}
}
