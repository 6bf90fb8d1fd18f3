package login

import (
	"crypto/sha256"
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

// challengeOf returns the challenge that a verifier belongs to: "" for none, and one that no
// code has for a verifier of the wrong form.
func challengeOf(verifier string) string {
	switch {
	case verifier == "":
		return ""
	case !verifierForm.MatchString(verifier):
		return "malformed"
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// wrongVerifier names what is wrong with a verifier that does not belong to the code's
// challenge. A verifier for a code without a challenge is refused too: somebody removed the
// challenge on its way (RFC 9700, 4.8.2).
func wrongVerifier(code session.Session, verifier string) error {
	switch {
	case verifier == "":
		return ErrVerifierRequired
	case code.Challenge == "":
		return ErrVerifierUnexpected
	case !verifierForm.MatchString(verifier):
		return FieldError{"codeVerifier", NotVerifier}
	}
	return ErrVerifier
}
