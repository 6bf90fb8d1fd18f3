package push

import "github.com/scanlogin/scanlogin/server/push/wsconn"

// Close codes of the API (docs/api.md) that have no name in RFC 6455.
const (
	statusNotFound  wsconn.StatusCode = 4404
	statusExhausted wsconn.StatusCode = 4408
)

// The close frames that a socket sends, besides those for violations of the rules.
var (
	closeDone              = &wsconn.CloseFrame{Code: wsconn.StatusNormalClosure, Reason: "done"}
	closeRestart           = &wsconn.CloseFrame{Code: wsconn.StatusServiceRestart, Reason: "connect again"}
	closeBusy              = &wsconn.CloseFrame{Code: wsconn.StatusTryAgainLater, Reason: "try again later"}
	closeNotFound          = &wsconn.CloseFrame{Code: statusNotFound, Reason: "no such code or pool"}
	closeChallengeRequired = violation("codeChallenge is required by this user pool (PKCE, RFC 7636)")
	closeNoRequest         = violation("the authorization request has ended, or belongs to another browser")
	closeExhausted         = &wsconn.CloseFrame{Code: statusExhausted, Reason: "ask the person"}
)

// violation is the close frame for a page that violates the rules (1008).
func violation(reason string) *wsconn.CloseFrame {
	return &wsconn.CloseFrame{Code: wsconn.StatusPolicyViolation, Reason: reason}
}
