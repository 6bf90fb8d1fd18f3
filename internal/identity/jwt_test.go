package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestAcceptsTokensOfEveryKeyType(t *testing.T) {
	p256, p384, p521 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384()), ecKey(t, elliptic.P521())
	edPublic, edPrivate, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{
		Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey),
	}))
	for _, c := range []struct {
		method jwt.SigningMethod
		key    any
		config JWTConfig
	}{
		{jwt.SigningMethodHS256, []byte(testSecret), JWTConfig{HS256Secret: testSecret}},
		{jwt.SigningMethodRS256, rsaKey(), JWTConfig{PublicKey: publicPEM(t, rsaKey().Public())}},
		{jwt.SigningMethodRS512, rsaKey(), JWTConfig{PublicKey: pkcs1}},
		{jwt.SigningMethodPS384, rsaKey(), JWTConfig{PublicKey: publicPEM(t, rsaKey().Public())}},
		{jwt.SigningMethodES256, p256, JWTConfig{PublicKey: publicPEM(t, p256.Public())}},
		{jwt.SigningMethodES384, p384, JWTConfig{PublicKey: publicPEM(t, p384.Public())}},
		{jwt.SigningMethodES512, p521, JWTConfig{PublicKey: publicPEM(t, p521.Public())}},
		{jwt.SigningMethodEdDSA, edPrivate, JWTConfig{PublicKey: publicPEM(t, edPublic)}},
	} {
		t.Run(c.method.Alg(), func(t *testing.T) {
			c.config.Issuer, c.config.Audience = testIssuer, testAudience
			token := sign(t, c.method, c.key, "", goodClaims(jwt.MapClaims{"aud": []string{"other", testAudience}}))
			accept(t, newJWT(t, c.config), token, time.Nanosecond)
		})
	}
}

// hostile returns tokens that must not be accepted. Most are signed with a trusted key.
func hostile(t *testing.T, signed func(changes jwt.MapClaims) string) map[string]string {
	good := signed(nil)
	parts := strings.Split(good, ".")
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	return map[string]string{
		"empty":                  "",
		"no token":               "a.b",
		"garbage":                "\x00\xff..%%%",
		"JWE":                    good + ".x.y",
		"header is a number":     segment("1") + "." + parts[1] + "." + parts[2],
		"claims are null":        parts[0] + "." + segment("null") + "." + parts[2],
		"unbounded number":       segment(`{"alg":"RS256","x":1e99999}`) + "." + parts[1] + "." + parts[2],
		"no alg":                 segment(`{"typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"unknown alg":            segment(`{"alg":"XS256"}`) + "." + parts[1] + "." + parts[2],
		"too long":               signed(jwt.MapClaims{"x": strings.Repeat("x", maxTokenBytes)}),
		"no signature":           parts[0] + "." + parts[1] + ".",
		"other claims":           parts[0] + "." + segment(`{"iss":"`+testIssuer+`","aud":"`+testAudience+`","sub":"bob","exp":9999999999}`) + "." + parts[2],
		"alg none":               sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", goodClaims(nil)),
		"other issuer":           signed(jwt.MapClaims{"iss": "https://evil.example.com"}),
		"no issuer":              signed(jwt.MapClaims{"iss": nil}),
		"issuer is not a string": signed(jwt.MapClaims{"iss": []string{testIssuer}}),
		"other audience":         signed(jwt.MapClaims{"aud": "other-app"}),
		"no audience":            signed(jwt.MapClaims{"aud": nil}),
		"no end":                 signed(jwt.MapClaims{"exp": nil}),
		"expiry is not a number": signed(jwt.MapClaims{"exp": "9999999999"}),
		"expired":                signed(jwt.MapClaims{"exp": ago(leeway + 10*time.Second)}),
		"not valid yet":          signed(jwt.MapClaims{"nbf": ago(-leeway - 10*time.Second)}),
		"no sub":                 signed(jwt.MapClaims{"sub": nil}),
		"empty sub":              signed(jwt.MapClaims{"sub": ""}),
		"sub is an object":       signed(jwt.MapClaims{"sub": map[string]any{"id": "alice"}}),
		"sub is too long":        signed(jwt.MapClaims{"sub": strings.Repeat("a", 256)}),
		"sub is a fraction":      signed(jwt.MapClaims{"sub": 1.5}),
		"claims are an array":    parts[0] + "." + segment(`["alice"]`) + "." + parts[2],
	}
}

func TestRefusesHostileTokens(t *testing.T) {
	secret := newJWT(t, JWTConfig{HS256Secret: testSecret, Issuer: testIssuer, Audience: testAudience})
	public := newJWT(t, JWTConfig{PublicKey: publicPEM(t, rsaKey().Public()), Issuer: testIssuer, Audience: testAudience})
	i := newIssuer(t, published(t, rsaKey().Public(), named("k")))
	set := newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json", Issuer: testIssuer, Audience: testAudience})
	for name, c := range map[string]struct {
		id     *JWT
		method jwt.SigningMethod
		key    any
	}{
		"secret":     {secret, jwt.SigningMethodHS256, []byte(testSecret)},
		"public key": {public, jwt.SigningMethodRS256, rsaKey()},
		"key set":    {set, jwt.SigningMethodRS256, rsaKey()},
	} {
		signed := func(changes jwt.MapClaims) string { return sign(t, c.method, c.key, "", goodClaims(changes)) }
		accept(t, c.id, signed(nil), 0)
		for what, token := range hostile(t, signed) {
			t.Run(name+"/"+what, func(t *testing.T) { reject(t, c.id, token, ErrRefused) })
		}
	}
}

func TestRefusesTokenSignedWithPublicKeyAsSecret(t *testing.T) {
	text := publicPEM(t, rsaKey().Public())
	i := newIssuer(t, published(t, rsaKey().Public(), named("k")))
	for _, config := range []JWTConfig{{PublicKey: text}, {JWKSURL: i.url + "/jwks.json"}} {
		id := newJWT(t, config)
		for _, secret := range []string{text, strings.TrimSpace(text), string(*i.body.Load())} {
			reject(t, id, sign(t, jwt.SigningMethodHS256, []byte(secret), "k", goodClaims(nil)), ErrRefused)
		}
	}
}

func TestRefusesTokenOfAnotherKeyOrMethod(t *testing.T) {
	p256, p384 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	id := newJWT(t, JWTConfig{PublicKey: publicPEM(t, p256.Public())})
	reject(t, id, sign(t, jwt.SigningMethodES256, ecKey(t, elliptic.P256()), "", goodClaims(nil)), ErrRefused)
	reject(t, id, sign(t, jwt.SigningMethodES384, p384, "", goodClaims(nil)), ErrRefused)
	reject(t, id, sign(t, jwt.SigningMethodRS256, rsaKey(), "", goodClaims(nil)), ErrRefused)

	id = newJWT(t, JWTConfig{HS256Secret: testSecret})
	reject(t, id, sign(t, jwt.SigningMethodHS512, []byte(testSecret), "", goodClaims(nil)), ErrRefused)
}

func TestRefusesCriticalHeader(t *testing.T) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, goodClaims(nil))
	token.Header["crit"] = []string{"b64"}
	text, err := token.SignedString([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	reject(t, newJWT(t, JWTConfig{HS256Secret: testSecret}), text, ErrRefused)
}

// TestKeysInATokenAreIgnored uses tokens signed with an attacker's key, which their
// header contains or names.
func TestKeysInATokenAreIgnored(t *testing.T) {
	own := ecKey(t, elliptic.P256())
	evil := newIssuer(t, published(t, own.Public(), named("k")))
	i := newIssuer(t, published(t, ecKey(t, elliptic.P256()).Public(), named("k")))
	for name, header := range map[string]any{"jku": evil.url + "/jwks.json", "x5u": evil.url + "/jwks.json", "jwk": published(t, own.Public(), named("k"))} {
		token := jwt.NewWithClaims(jwt.SigningMethodES256, goodClaims(jwt.MapClaims{"iss": i.url}))
		token.Header["kid"], token.Header[name] = "k", header
		text, err := token.SignedString(own)
		if err != nil {
			t.Fatal(err)
		}
		reject(t, newJWT(t, JWTConfig{Issuer: i.url}), text, ErrRefused)
	}
	if n := evil.calls.Load(); n > 0 {
		t.Errorf("the attacker was asked for keys %d times", n)
	}
}

func TestAcceptsTimesWithinTheLeeway(t *testing.T) {
	id := newJWT(t, JWTConfig{HS256Secret: testSecret})
	near := leeway - 10*time.Second
	accept(t, id, sign(t, jwt.SigningMethodHS256, []byte(testSecret), "",
		goodClaims(jwt.MapClaims{"exp": time.Now().Add(-near).Unix()})), 0)
	accept(t, id, sign(t, jwt.SigningMethodHS256, []byte(testSecret), "",
		goodClaims(jwt.MapClaims{"nbf": time.Now().Add(near).Unix()})), 0)
}

func TestNumericSubIsNotRounded(t *testing.T) {
	const id = "12345678901234567890"
	token := sign(t, jwt.SigningMethodHS256, []byte(testSecret), "", goodClaims(jwt.MapClaims{"sub": json.Number(id)}))
	user, err := newJWT(t, JWTConfig{HS256Secret: testSecret}).Identify(t.Context(), token, time.Now(), 0)
	if err != nil || user.ID != id {
		t.Errorf("Identify = %+v, %v", user, err)
	}
}

func TestRefusesForeignTokenWithoutAskingTheIssuer(t *testing.T) {
	i := newIssuer(t)
	i.away.Store(true)
	id := newJWT(t, JWTConfig{JWKSURL: i.url + "/jwks.json", Issuer: testIssuer, Audience: testAudience})
	for _, changes := range []jwt.MapClaims{
		{"iss": "https://other.example.com"}, {"aud": "other-app"}, {"exp": 1},
	} {
		reject(t, id, sign(t, jwt.SigningMethodRS256, rsaKey(), "k", goodClaims(changes)), ErrRefused)
	}
	if n := i.calls.Load(); n != 0 {
		t.Errorf("the issuer was asked %d times", n)
	}
}

func TestSecretIsRedacted(t *testing.T) {
	config := JWTConfig{HS256Secret: testSecret}
	var out bytes.Buffer
	for _, v := range []any{config, &config, config.HS256Secret, newJWT(t, config), *newJWT(t, config)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		text, _ := json.Marshal(v) // a JWT has no JSON, and an error is fine
		out.Write(text)
	}
	for _, spelling := range []string{
		testSecret, fmt.Sprintf("%x", testSecret), strings.Trim(fmt.Sprint([]byte(testSecret)), "[]"),
		strings.Trim(fmt.Sprintf("%#v", []byte(testSecret)), "[]byte{}"),
	} {
		if strings.Contains(out.String(), spelling) {
			t.Errorf("shown as %s", spelling)
		}
	}
}

func TestNewJWTNamesTheInvalidSetting(t *testing.T) {
	private, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	privatePEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	public := publicPEM(t, rsaKey().Public())
	for field, configs := range map[string][]JWTConfig{
		"jwt":                      {{}, {Audience: testAudience}},
		"hs256_secret, public_key": {{HS256Secret: testSecret, PublicKey: public}},
		"public_key, jwks_url":     {{PublicKey: public, JWKSURL: testIssuer}},
		"hs256_secret":             {{HS256Secret: "short"}},
		"public_key": {
			{PublicKey: "no PEM"}, {PublicKey: public + public}, {PublicKey: privatePEM},
			{PublicKey: publicPEM(t, ecKey(t, elliptic.P224()).Public())},
			{PublicKey: publicPEM(t, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537})},
			{PublicKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
		},
		"jwks_url": {{JWKSURL: "id.example.com"}, {JWKSURL: "ftp://id.example.com"}, {JWKSURL: "https:///x"}, {JWKSURL: "\x7f"}},
		"issuer":   {{Issuer: "example"}},
	} {
		for _, c := range configs {
			_, err := NewJWT(c)
			if err == nil || !strings.HasPrefix(err.Error(), field+": ") {
				t.Errorf("error %v; want %s named", err, field)
			}
			if err != nil && strings.Contains(err.Error(), testSecret) {
				t.Errorf("error shows the secret: %v", err)
			}
		}
	}
}
