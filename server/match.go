package server

import (
	"fmt"
	"regexp"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

var twoDigits = regexp.MustCompile(`^[0-9]{2}$`)

// matched returns what becomes of a confirm that brings number: the same, or,
// where it is not the one on the page, a Mismatch. A number that cannot be one
// is refused without counting as a try.
func matched(p *pool.Pool, code session.Session, confirm session.Change, number string) (session.Change, error) {
	switch {
	case code.Match == session.MatchNone || p.IsMatchCode(code, number):
		return confirm, nil
	case number == "":
		return confirm, errNumber
	case !twoDigits.MatchString(number):
		return confirm, malformed("matchCode", "must be the two digits that the login page shows", "必须是登录页面上显示的两位数字")
	}
	confirm.Action = session.Mismatch
	return confirm, nil
}

// mismatch is the refusal of a wrong number that was counted.
func mismatch(code session.Session) error {
	left := session.MaxMismatches - code.Mismatches
	switch {
	case left <= 0:
		return &refusal{problem: errUsed, en: "Wrong number. That was the last try: the QR code is over", zh: "数字不正确，尝试次数已用完，二维码已失效"}
	case left == 1:
		return &refusal{problem: errNumber, en: "Wrong number. 1 try left", zh: "数字不正确，还可尝试 1 次"}
	default:
		return &refusal{problem: errNumber, en: fmt.Sprintf("Wrong number. %d tries left", left), zh: fmt.Sprintf("数字不正确，还可尝试 %d 次", left)}
	}
}
