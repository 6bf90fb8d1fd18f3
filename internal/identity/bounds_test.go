package identity

import (
	"crypto/rsa"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// bearer returns a site that accepts every token with a response of size bytes.
func bearer(size int) transport {
	return func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		answer := `{"sub":"alice"}`
		w.WriteString(answer + strings.Repeat(" ", size-len(answer)))
		return w.Result(), nil
	}
}

// TestSizesAtTheirLimitAreAccepted uses the largest allowed responses and tokens, and
// then one byte more.
func TestSizesAtTheirLimitAreAccepted(t *testing.T) {
	config := func(size int) UserinfoConfig { return UserinfoConfig{URL: testIssuer, transport: bearer(size)} }
	accept(t, newUserinfo(t, config(64<<10)), testToken, 0)
	reject(t, newUserinfo(t, config(64<<10+1)), testToken, ErrUnavailable)

	longest := strings.Repeat("x", 16<<10)
	accept(t, newUserinfo(t, config(100)), longest, 0)
	reject(t, newUserinfo(t, config(100)), longest+"x", ErrRefused)

	id := newJWT(t, JWTConfig{HS256Secret: testSecret})
	for n := 11 << 10; n < 13<<10; n++ { // base64 makes four characters of three
		token := sign(t, jwt.SigningMethodHS256, []byte(testSecret), "", goodClaims(jwt.MapClaims{"pad": strings.Repeat("x", n)}))
		if len(token) >= len(longest)-2 && len(token) <= len(longest) {
			accept(t, id, token, 0)
		}
		if len(token) > len(longest) {
			reject(t, id, token, ErrRefused)
			return
		}
	}
	t.Error("no token was long enough")
}

func TestATokenMayHaveEveryPrintableCharacter(t *testing.T) {
	var visible strings.Builder
	for c := '!'; c <= '~'; c++ {
		visible.WriteRune(c)
	}
	u := newUserinfo(t, UserinfoConfig{URL: testIssuer, transport: bearer(100)})
	accept(t, u, visible.String(), 0)
	for _, c := range []string{" ", "\x7f", "é"} {
		reject(t, u, "a"+c+"b", ErrRefused)
	}
}

func TestRSAKeysOf2048To8192BitsAreAccepted(t *testing.T) {
	for bits, fits := range map[int]bool{2047: false, 2048: true, 8192: true, 8193: false} {
		n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1) // its length is all that counts here
		if got := methodsFor(&rsa.PublicKey{N: n, E: 65537}); (got != nil) != fits {
			t.Errorf("%d bits: %v", bits, got)
		}
	}
}

// TestClocksMayDifferBy30Seconds does not use the constant.
func TestClocksMayDifferBy30Seconds(t *testing.T) {
	id := newJWT(t, JWTConfig{HS256Secret: testSecret})
	token := func(claim string, ago time.Duration) string {
		return sign(t, jwt.SigningMethodHS256, []byte(testSecret), "", goodClaims(jwt.MapClaims{claim: time.Now().Add(-ago).Unix()}))
	}
	accept(t, id, token("exp", 20*time.Second), 0)
	accept(t, id, token("nbf", -20*time.Second), 0)
	reject(t, id, token("exp", 40*time.Second), ErrRefused)
	reject(t, id, token("nbf", -60*time.Second), ErrRefused) // not in the next 30 s
}

// TestKeysAreFetchedEveryFiveMinutes counts the requests to an issuer while its tokens
// keep arriving.
func TestKeysAreFetchedEveryFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		i.publish(t, published(t, rsaKey().Public(), named("k")))
		id := newJWT(t, JWTConfig{JWKSURL: testIssuer + "/jwks.json", transport: i})
		for range 60 {
			accept(t, id, sign(t, jwt.SigningMethodRS256, rsaKey(), "k", goodClaims(nil)), 0)
			time.Sleep(10 * time.Second)
		}
		if n := i.calls.Load(); n != 2 {
			t.Errorf("asked %d times in ten minutes, want 2", n)
		}
	})
}

// TestARefusalIsCachedForFiveSeconds does not use the constant.
func TestARefusalIsCachedForFiveSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		s.status.Store(http.StatusUnauthorized)
		reject(t, u, testToken, ErrRefused)
		time.Sleep(4 * time.Second)
		reject(t, u, testToken, ErrRefused)
		s.wantCalls(t, 1)
		time.Sleep(2 * time.Second)
		reject(t, u, testToken, ErrRefused)
		s.wantCalls(t, 2)
	})
}
