package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// signingKeys returns the key that signs, nil if none does, and the other keys to publish.
func (d *document) signingKeys() (signs *ecdsa.PrivateKey, others []*ecdsa.PublicKey) {
	for i, text := range d.oneOrSeveral("signing_key", d.values.SigningKey, d.values.SigningKeys) {
		path := "signing_key"
		if d.given("signing_keys") {
			path = fmt.Sprintf("signing_keys[%d]", i)
		}
		private, public, err := parseSigningKey([]byte(text))
		switch {
		case err == nil && i == 0 && private == nil:
			d.refuse(path, "is a public key, but the first key signs; write its private key, or put another key first")
		case err != nil:
			d.refuse(path, err.Error())
		case i == 0:
			signs = private
		case signs != nil && signs.PublicKey.Equal(public) || slices.ContainsFunc(others, func(k *ecdsa.PublicKey) bool { return k.Equal(public) }):
			d.refuse(path, "is a duplicate; remove one")
		default:
			others = append(others, public)
		}
	}
	return signs, others
}

var errSigningKey = errors.New("must be an EC P-256 private key in PEM, unencrypted; " +
	"`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one")

// parseSigningKey parses the first key of a PEM text: a private key in PKCS #8 or SEC 1
// (before which openssl writes the parameters of the curve), or a public key (RFC 7468,
// 13), for which private is nil.
func parseSigningKey(text []byte) (private *ecdsa.PrivateKey, public *ecdsa.PublicKey, err error) {
	block, rest := pem.Decode(text)
	for block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, nil, errSigningKey
	}
	var parsed any
	switch block.Type {
	case "PUBLIC KEY":
		parsed, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	switch key := parsed.(type) {
	case *ecdsa.PrivateKey:
		private, public = key, &key.PublicKey
	case *ecdsa.PublicKey:
		public = key
	}
	if err != nil || public == nil || public.Curve != elliptic.P256() {
		return nil, nil, errSigningKey
	}
	return private, public, nil
}
