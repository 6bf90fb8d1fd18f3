package identity

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/MicahParks/jwkset"
)

// issuer publishes keys on 127.0.0.1 or as a transport, and can be unavailable.
type issuer struct {
	url     string
	body    atomic.Pointer[[]byte] // the key set
	calls   atomic.Int64
	away    atomic.Bool           // connections break
	handler atomic.Value          // http.HandlerFunc in the place of the key set's
	server  *httptest.Server      // nil for one without a socket
	about   func() map[string]any // the discovery document
}

func newIssuer(t testing.TB, keys ...jwkset.JWKMarshal) *issuer {
	t.Helper()
	i := &issuer{}
	i.publish(t, keys...)
	i.server = httptest.NewServer(i)
	i.url = i.server.URL
	i.about = func() map[string]any {
		return map[string]any{"issuer": i.url, "jwks_uri": i.url + "/jwks.json"}
	}
	t.Cleanup(i.server.Close)
	return i
}

func (i *issuer) publish(t testing.TB, keys ...jwkset.JWKMarshal) {
	t.Helper()
	body, err := json.Marshal(jwkset.JWKSMarshal{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	i.body.Store(&body)
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.calls.Add(1)
	if i.away.Load() {
		panic(http.ErrAbortHandler)
	}
	if handler, ok := i.handler.Load().(http.HandlerFunc); ok {
		handler(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		json.NewEncoder(w).Encode(i.about())
	case "/jwks.json":
		w.Write(*i.body.Load())
	default:
		http.NotFound(w, r)
	}
}

// RoundTrip makes an issuer a transport without a socket.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	if i.away.Load() {
		i.calls.Add(1)
		return nil, http.ErrServerClosed
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// published returns a public key in the form of a key set.
func published(t testing.TB, public any, about jwkset.JWKMetadataOptions) jwkset.JWKMarshal {
	t.Helper()
	key, err := jwkset.NewJWKFromKey(public, jwkset.JWKOptions{Metadata: about})
	if err != nil {
		t.Fatal(err)
	}
	m := key.Marshal()
	m.ALG = about.ALG
	return m
}

func named(kid string) jwkset.JWKMetadataOptions { return jwkset.JWKMetadataOptions{KID: kid} }
