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
	maxRSABits = 8192 // as crypto/tls; the cost of verifying grows with the square
)

// asymmetricMethods returns the signing methods of all supported public keys.
func asymmetricMethods() []string {
	return []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
		"ES256", "ES384", "ES512", "EdDSA",
	}
}

// methodsFor returns the signing methods of a public key (RFC 7518, 3.1; RFC 8037), nil if
// the key is not supported.
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

// parsePublicKey parses one PEM block.
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
		return nil, errors.New("public_key: must be a public key; extract it with `openssl pkey -pubout` from a private key, with `openssl x509 -pubkey -noout` from a certificate")
	}
	if err != nil || methodsFor(key) == nil {
		return nil, errors.New("public_key: must be RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519")
	}
	return key, nil
}

// webKey is a key of a key set (RFC 7517).
type webKey struct {
	kid     string
	methods []string // never empty
	key     any
}

// parseKeys parses a key set. It skips keys that cannot verify signatures: keys for
// encryption, symmetric keys, unknown types. It fails if no key remains, so that an error
// response in JSON is not taken for a key set.
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
		return nil, errors.New("the key set has no key for verifying signatures")
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
	// Certificates are not used, and jwkset would fetch X5U.
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

// findKey returns the only key with the id kid (any id if kid is empty) and the signing
// method alg, nil if there is none or more than one. So a token without kid needs a key set
// in which it is unambiguous (OpenID Connect Core 10.1).
func findKey(keys []webKey, kid, alg string) any {
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
