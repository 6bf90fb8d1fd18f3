package login

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"

	"github.com/scanlogin/scanlogin/session"
)

// challengeMethod is the only supported one: with `plain`, the challenge would be the
// verifier (RFC 7636, 4.2).
const challengeMethod = "S256"

// CheckChallenge refuses a challenge of the wrong form, with a FieldError. An empty one is
// accepted; Create refuses it if the pool requires one.
func CheckChallenge(challenge, method string) error {
	switch {
	case method != "" && method != challengeMethod:
		return FieldError{"codeChallengeMethod", NotS256}
	case method != "" && challenge == "":
		return FieldError{"codeChallenge", Required}
	case challenge == "":
		return nil
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(sum) != sha256.Size || len(challenge) != base64.RawURLEncoding.EncodedLen(sha256.Size) { // the decoder skips line ends
		return FieldError{"codeChallenge", NotChallenge}
	}
	return nil
}

// verifierForm is RFC 7636, 4.1.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// checkVerifier refuses the exchange of a ticket without the verifier of the code's
// challenge. A verifier for a code without a challenge is refused too: somebody removed the
// challenge on its way (RFC 9700, 4.8.2).
func checkVerifier(code session.Session, verifier string) error {
	switch {
	case code.Challenge == "" && verifier == "":
		return nil
	case verifier == "":
		return ErrVerifierRequired
	case code.Challenge == "":
		return ErrVerifierUnexpected
	case !verifierForm.MatchString(verifier):
		return FieldError{"codeVerifier", NotVerifier}
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(code.Challenge)) != 1 {
		return ErrVerifier
	}
	return nil
}
