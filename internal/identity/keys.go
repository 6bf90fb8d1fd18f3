package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
)

const (
	minRSABits = 2048 // RFC 7518, 3.3
	maxRSABits = 8192 // as crypto/tls: verifying takes the square of it
)

// asymmetricMethods are all that a published key can have signed with.
func asymmetricMethods() []string {
	return []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
		"ES256", "ES384", "ES512", "EdDSA",
	}
}

// methodsFor returns what key can have signed with (RFC 7518, 3.1; RFC 8037),
// nothing if it is no public key that is fit for use.
func methodsFor(key any) []string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits >= minRSABits && bits <= maxRSABits {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// parsePublicKey reads one PEM block.
func parsePublicKey(text string) (key any, err error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("public_key: must be one PEM block, -----BEGIN PUBLIC KEY-----")
	}
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, errors.New("public_key: must be a public key; `openssl pkey -pubout` makes it of a private one, `openssl x509 -pubkey -noout` of a certificate")
	}
	if err != nil || methodsFor(key) == nil {
		return nil, errors.New("public_key: must be RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519")
	}
	return key, nil
}

// webKey is a key of a set (RFC 7517).
type webKey struct {
	kid     string
	methods []string // never empty
	key     any
}

// parseKeys reads a key set, leaving out what cannot verify: keys for
// encryption, secret ones, kinds we do not know. It fails if nothing is left,
// so that an error page in JSON does not pass for a set.
func parseKeys(body []byte) ([]webKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &set) != nil {
		return nil, errors.New("the key set is not JSON")
	}
	var keys []webKey
	for _, raw := range set.Keys {
		if k, ok := parseKey(raw); ok {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key that verifies")
	}
	return keys, nil
}

func parseKey(raw []byte) (webKey, bool) {
	var m jwkset.JWKMarshal
	if json.Unmarshal(raw, &m) != nil || m.USE != "" && m.USE != jwkset.UseSig {
		return webKey{}, false
	}
	if len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return webKey{}, false
	}
	// Certificates say nothing more to us, and jwkset would fetch X5U.
	m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", ""
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return webKey{}, false
	}
	k := webKey{kid: m.KID, methods: methodsFor(jwk.Key()), key: jwk.Key()}
	if m.ALG != "" {
		k.methods = slices.DeleteFunc(k.methods, func(method string) bool { return method != m.ALG.String() })
	}
	return k, len(k.methods) > 0
}

// find returns the one key that has the name, or any name if kid is empty, and
// can have signed with alg; nil if there is none or more than one. So a token
// without kid needs a set without a choice (OpenID Connect Core 10.1).
func find(keys []webKey, kid, alg string) any {
	var found any
	for _, k := range keys {
		if kid != "" && k.kid != kid || !slices.Contains(k.methods, alg) {
			continue
		}
		if found != nil {
			return nil
		}
		found = k.key
	}
	return found
}
