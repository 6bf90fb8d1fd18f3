package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"

	"github.com/scanlogin/scanlogin/session"
)

// challengeMethod is the only one there is: `plain` would be the verifier in the
// open (RFC 7636, 4.2).
const challengeMethod = "S256"

// checkChallenge refuses a challenge that is none. An empty one is no problem
// here: see errChallenge.
func checkChallenge(challenge, method string) error {
	switch {
	case method != "" && method != challengeMethod:
		return malformed("codeChallengeMethod", "must be "+challengeMethod, "必须是 "+challengeMethod)
	case method != "" && challenge == "":
		return required("codeChallenge")
	case challenge == "":
		return nil
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(sum) != sha256.Size || len(challenge) != base64.RawURLEncoding.EncodedLen(sha256.Size) { // the decoder skips line ends
		return malformed("codeChallenge", "must be 43 base64url characters: the SHA-256 of the verifier", "必须是 43 个 base64url 字符：verifier 的 SHA-256")
	}
	return nil
}

// challengeMissing is the refusal of a code without challenge, where the pool
// wants one.
func challengeMissing() error {
	return &refusal{problem: errField,
		en: "codeChallenge is required by this user pool: send the base64url SHA-256 of a random verifier (PKCE, RFC 7636), and give the verifier to userinfo",
		zh: "该用户池要求 codeChallenge：请发送随机 verifier 的 base64url SHA-256（PKCE，RFC 7636），并在 userinfo 中提交 verifier"}
}

// verifierForm is RFC 7636, 4.1.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// checkVerifier refuses the exchange of a ticket without the verifier of the
// code's challenge. A verifier for a code that has no challenge is refused, too:
// somebody has taken the challenge away on its way (RFC 9700, 4.8.2).
func checkVerifier(code session.Session, verifier string) error {
	switch {
	case code.Challenge == "" && verifier == "":
		return nil
	case verifier == "":
		return &refusal{problem: errVerifier, en: "codeVerifier is required: the QR code was made with a codeChallenge", zh: "缺少 codeVerifier：该二维码带有 codeChallenge"}
	case code.Challenge == "":
		return &refusal{problem: errVerifier, en: "codeVerifier is given, but the QR code was made without a codeChallenge", zh: "提交了 codeVerifier，但该二维码没有 codeChallenge"}
	case !verifierForm.MatchString(verifier):
		return malformed("codeVerifier", "must be 43 to 128 letters, digits and - . _ ~", "须为 43 到 128 个字母、数字或 - . _ ~")
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(code.Challenge)) != 1 {
		return errVerifier
	}
	return nil
}
