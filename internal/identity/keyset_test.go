package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// es256 returns a valid token of the issuer iss, signed with the key kid.
func es256(t testing.TB, key *ecdsa.PrivateKey, kid, iss string) string {
	t.Helper()
	return sign(t, jwt.SigningMethodES256, key, kid, goodClaims(jwt.MapClaims{"iss": iss}))
}

func TestFindsKeysByDiscovery(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, key.Public(), named("k")))
	accept(t, newJWT(t, JWTConfig{Issuer: i.url}), es256(t, key, "k", i.url), 0)
}

func TestRejectsDiscoveryOfAnotherIssuer(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, key.Public(), named("k")))
	for _, about := range []map[string]any{
		{"issuer": "https://evil.example.com", "jwks_uri": i.url + "/jwks.json"},
		{"issuer": i.url + "/", "jwks_uri": i.url + "/jwks.json"},
		{"jwks_uri": i.url + "/jwks.json"},
		{"issuer": i.url},
		{"issuer": i.url, "jwks_uri": "file:///etc/passwd"},
		{"issuer": 1},
	} {
		i.about = func() map[string]any { return about }
		reject(t, newJWT(t, JWTConfig{Issuer: i.url}), es256(t, key, "k", i.url), ErrUnavailable)
	}
}

func TestKeySetOfAnHTTPSIssuerNeedsHTTPS(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := &issuer{about: func() map[string]any {
		return map[string]any{"issuer": testIssuer, "jwks_uri": "http://id.example.com/jwks.json"}
	}}
	i.publish(t, published(t, key.Public(), named("k")))
	reject(t, newJWT(t, JWTConfig{Issuer: testIssuer, transport: i}), es256(t, key, "k", testIssuer), ErrUnavailable)

	i.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Scheme == "http" {
			t.Errorf("asked %s", r.URL)
		}
		http.Redirect(w, r, "http://id.example.com/jwks.json", http.StatusFound)
	}))
	reject(t, newJWT(t, JWTConfig{JWKSURL: testIssuer, transport: i}), es256(t, key, "k", testIssuer), ErrUnavailable)
}

func TestFollowsAtMostThreeRedirects(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, key.Public(), named("k")))
	i.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var left int
		fmt.Sscanf(r.URL.Path, "/%d", &left)
		if left > 0 {
			http.Redirect(w, r, fmt.Sprintf("/%d", left-1), http.StatusFound)
			return
		}
		w.Write(*i.body.Load())
	}))
	accept(t, newJWT(t, JWTConfig{JWKSURL: i.url + "/3"}), es256(t, key, "k", i.url), 0)
	reject(t, newJWT(t, JWTConfig{JWKSURL: i.url + "/4"}), es256(t, key, "k", i.url), ErrUnavailable)
}

func TestIgnoresKeysThatAreNotForVerifying(t *testing.T) {
	key, other := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	for name, about := range map[string]jwkset.JWKMetadataOptions{
		"for encryption": {KID: "k", USE: jwkset.UseEnc},
		"other method":   {KID: "k", ALG: jwkset.AlgES384},
		"no method":      {KID: "k", ALG: jwkset.AlgECDHES},
		"for deriving":   {KID: "k", KEYOPS: []jwkset.KEYOPS{jwkset.KeyOpsDeriveKey}},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, published(t, key.Public(), about), published(t, other.Public(), named("other")))
			id := newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json"})
			reject(t, id, es256(t, key, "k", i.url), ErrRefused)
			accept(t, id, es256(t, other, "other", i.url), 0)
		})
	}
}

func TestInvalidKeysInASetAreSkipped(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	offCurve, weird := published(t, key.Public(), named("off curve")), published(t, key.Public(), named("x5u"))
	offCurve.X = "AAAA"
	weird.X5U, weird.X5C = "http://127.0.0.1:1/never-asked", []string{"no certificate"}
	i := newIssuer(t, offCurve, jwkset.JWKMarshal{KTY: "new"}, jwkset.JWKMarshal{KTY: "oct", K: "c2VjcmV0", KID: "k"},
		weird, published(t, key.Public(), named("k")))
	id := newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json"})
	accept(t, id, es256(t, key, "k", i.url), 0)
	accept(t, id, es256(t, key, "x5u", i.url), 0)
}

func TestTokenWithoutKidNeedsAnUnambiguousSet(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, key.Public(), named("k")), published(t, rsaKey().Public(), named("rsa")))
	accept(t, newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json"}), es256(t, key, "", i.url), 0)
	i.publish(t, published(t, ecKey(t, elliptic.P256()).Public(), named("l")), published(t, key.Public(), named("k")))
	reject(t, newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json"}), es256(t, key, "", i.url), ErrRefused)
}

func TestInvalidKeySetIsUnavailable(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t)
	for name, handler := range map[string]http.HandlerFunc{
		"oversized": func(w http.ResponseWriter, _ *http.Request) {
			w.Write(*i.body.Load())
			w.Write(bytes.Repeat([]byte(" "), maxKeySetBytes))
		},
		"HTML":        func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"no keys":     func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"error":"sorry"}`)) },
		"server down": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("{"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			i.publish(t, published(t, key.Public(), named("k")))
			i.handler.Store(handler)
			reject(t, newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json"}), es256(t, key, "k", i.url), ErrUnavailable)
		})
	}
}

func TestIssuerMayStartLater(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, key.Public(), named("k")))
	i.away.Store(true)
	id, token := newJWT(t, JWTConfig{Issuer: i.url}), es256(t, key, "k", i.url)
	for range 10 {
		reject(t, id, token, ErrUnavailable)
	}
	i.away.Store(false)
	eventually(t, 3*time.Second, func() bool {
		_, err := id.Identify(t.Context(), token, time.Now(), 0)
		return err == nil
	})
}

func TestHangingIssuerIsBoundedByContext(t *testing.T) {
	i := newIssuer(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // before the server waits for its handlers
	i.handler.Store(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	id := newJWT(t, JWTConfig{Issuer: i.url})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := id.Identify(ctx, es256(t, ecKey(t, elliptic.P256()), "k", i.url), time.Now(), 0)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Identify = %v", err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestFloodOfUnknownKidsNeitherOverloadsTheIssuerNorLocksOutANewKey(t *testing.T) {
	oldKey, newKey := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	i := newIssuer(t, published(t, oldKey.Public(), named("old")))
	id := newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json"})
	accept(t, id, es256(t, oldKey, "old", i.url), 0)

	before, begin := runtime.NumGoroutine(), time.Now()
	var storm sync.WaitGroup
	for n := range 16 {
		storm.Go(func() {
			for m := range 50 {
				token := es256(t, newKey, fmt.Sprintf("bad-%d-%d", n, m), i.url)
				if _, err := id.Identify(t.Context(), token, time.Now(), 0); !errors.Is(err, ErrRefused) {
					t.Errorf("Identify = %v", err)
				}
				accept(t, id, es256(t, oldKey, "old", i.url), 0)
			}
		})
	}
	storm.Wait()
	if n, most := i.calls.Load(), int64(3+time.Since(begin)/time.Second); n > most {
		t.Errorf("the issuer was asked %d times in %v", n, time.Since(begin))
	}
	eventually(t, 5*time.Second, func() bool { return runtime.NumGoroutine() <= before+4 })

	i.publish(t, published(t, newKey.Public(), named("new")))
	eventually(t, 2*time.Second, func() bool {
		_, err := id.Identify(t.Context(), es256(t, newKey, "new", i.url), time.Now(), 0)
		return err == nil
	})
}

func TestConcurrentCallersShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := ecKey(t, elliptic.P256())
		i := &issuer{}
		i.publish(t, published(t, key.Public(), named("k")))
		i.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			w.Write(*i.body.Load())
		}))
		id := newJWT(t, JWTConfig{JWKSURL: testIssuer, transport: i})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := id.Identify(ctx, es256(t, key, "k", testIssuer), time.Now(), 0); !errors.Is(err, ErrUnavailable) {
			t.Errorf("the caller that gave up got %v", err)
		}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { accept(t, id, es256(t, key, "k", testIssuer), 0) })
		}
		wg.Wait()
		if n := i.calls.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestKnownKeyWorksWhileTheIssuerIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := ecKey(t, elliptic.P256())
		i := &issuer{}
		i.publish(t, published(t, key.Public(), named("k")))
		id := newJWT(t, JWTConfig{JWKSURL: testIssuer + "/jwks.json", transport: i})
		accept(t, id, es256(t, key, "k", testIssuer), 0)
		i.away.Store(true)
		for range 10 {
			time.Sleep(keysMaxAge)
			accept(t, id, es256(t, key, "k", testIssuer), 0)
		}
		before := i.calls.Load()
		accept(t, id, es256(t, key, "k", testIssuer), 0)
		if n := i.calls.Load() - before; n != 0 {
			t.Errorf("asked %d times more within the pause", n)
		}
		reject(t, id, es256(t, key, "new", testIssuer), ErrUnavailable)
	})
}

func TestHangingIssuerDoesNotStopKnownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := ecKey(t, elliptic.P256())
		i := &issuer{}
		i.publish(t, published(t, key.Public(), named("k")))
		id := newJWT(t, JWTConfig{JWKSURL: testIssuer + "/jwks.json", transport: i})
		accept(t, id, es256(t, key, "k", testIssuer), 0)
		time.Sleep(keysMaxAge)
		i.handler.Store(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		begin := time.Now()
		accept(t, id, es256(t, key, "k", testIssuer), 0)
		if d := time.Since(begin); d != staleWait {
			t.Errorf("took %v", d)
		}
		time.Sleep(callTimeout) // the fetch gives up
		begin = time.Now()
		accept(t, id, es256(t, key, "k", testIssuer), 0)
		if d := time.Since(begin); d != 0 {
			t.Errorf("took %v within the pause", d)
		}
	})
}

func TestWithdrawnKeyIsRefusedAfterTheNextFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := ecKey(t, elliptic.P256())
		i := &issuer{}
		i.publish(t, published(t, key.Public(), named("k")))
		id := newJWT(t, JWTConfig{JWKSURL: testIssuer + "/jwks.json", transport: i})
		accept(t, id, es256(t, key, "k", testIssuer), 0)
		i.publish(t, published(t, ecKey(t, elliptic.P256()).Public(), named("l")))
		time.Sleep(keysMaxAge)
		reject(t, id, es256(t, key, "k", testIssuer), ErrRefused)
	})
}

func TestFetchErrorNamesTheAddress(t *testing.T) {
	i := newIssuer(t)
	i.away.Store(true)
	_, err := newJWT(t, JWTConfig{Issuer: i.url}).Identify(t.Context(), es256(t, ecKey(t, elliptic.P256()), "k", i.url), time.Now(), 0)
	if err == nil || !strings.Contains(err.Error(), i.url+"/.well-known/openid-configuration") {
		t.Errorf("Identify = %v", err)
	}
}
