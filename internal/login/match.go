package login

import (
	"regexp"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

var twoDigits = regexp.MustCompile(`^[0-9]{2}$`)

// matched returns the change that a confirm with number leads to: the confirm itself, or a
// Mismatch if it is not the number on the page. A number of the wrong form is refused without
// counting as a try.
func matched(p *pool.Pool, code session.Session, confirm session.Change, number string) (session.Change, error) {
	switch {
	case code.Match == session.MatchNone || p.IsMatchCode(code, number):
		return confirm, nil
	case number == "":
		return confirm, ErrMatchCode
	case !twoDigits.MatchString(number):
		return confirm, FieldError{"matchCode", NotTwoDigits}
	}
	confirm.Action = session.Mismatch
	return confirm, nil
}
