package pool

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"github.com/scanlogin/scanlogin/session"
)

// MatchCode returns the two digits, 10 to 99, that the page of s shows and that
// its phone has to send; "" as for Ticket, and where s asks for none.
func (p *Pool) MatchCode(s session.Session) string {
	if s.Match != session.MatchDigits {
		return ""
	}
	sum, err := base64.RawURLEncoding.DecodeString(p.mac(p.Secret.of(s).match, s))
	if err != nil || len(sum) == 0 {
		return ""
	}
	// The remainder favours no number by more than one part in 2^57.
	return strconv.FormatUint(10+binary.BigEndian.Uint64(sum)%90, 10)
}

// IsMatchCode reports, in constant time, whether text is the code's two digits.
func (p *Pool) IsMatchCode(s session.Session, text string) bool {
	return equal(p.MatchCode(s), text)
}
