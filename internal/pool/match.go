package pool

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"github.com/scanlogin/scanlogin/session"
)

// MatchCode returns the two digits, 10 to 99, that the page shows and the phone must send. It
// is "" if s has no number matching, or as for Ticket.
func (p *Pool) MatchCode(s session.Session) string {
	if s.Match != session.MatchDigits {
		return ""
	}
	sum, err := base64.RawURLEncoding.DecodeString(p.mac(p.Secret.keysFor(s).match, s))
	if err != nil || len(sum) == 0 {
		return ""
	}
	// The bias of the remainder is less than one part in 2^57.
	return strconv.FormatUint(10+binary.BigEndian.Uint64(sum)%90, 10)
}

// IsMatchCode reports, in constant time, whether text is the code's two digits.
func (p *Pool) IsMatchCode(s session.Session, text string) bool {
	want := p.MatchCode(s)
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(text)) == 1
}
