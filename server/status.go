package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"maps"
	"math"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/session"
)

// proof is what a caller brings to show that it is the browser which asked for
// the code, or the site.
type proof struct {
	cookie string // value of the browser cookie
	key    string // browser key
	site   bool   // the pool's secret was shown
}

// isBrowser reports whether p proves that.
func (p proof) isBrowser(of *pool.Pool, code session.Session) bool {
	if p.site || p.key != "" && of.IsBrowserKey(code, p.key) {
		return true
	}
	return p.cookie != "" && len(code.CookieHash) > 0 &&
		subtle.ConstantTimeCompare(cookieHash(p.cookie), code.CookieHash) == 1
}

func cookieHash(cookie string) []byte {
	sum := sha256.Sum256([]byte(cookie))
	return sum[:]
}

// viewer is one caller's right to see a code: worked out once, with the code
// loaded, good for the code's whole life.
type viewer struct {
	isBrowser bool
	entitled  bool   // to ticket and user: the browser, or anybody where the pool does not bind
	full      bool   // the pool shows whom it is entitled the full user
	ticket    string // set if entitled
	matchCode string // set if this is the browser
}

func view(p *pool.Pool, code session.Session, by proof) viewer {
	v := viewer{isBrowser: by.isBrowser(p, code)}
	v.entitled = v.isBrowser || !p.BindBrowser
	if v.isBrowser {
		v.matchCode = p.MatchCode(code)
	}
	if v.entitled {
		// Who made the code with a challenge wants the user for its verifier only.
		v.full = p.ReturnFullUserInfo && code.Challenge == ""
		v.ticket = p.Ticket(code)
	}
	return v
}

// needsUser reports whether what v may see of a code at status is more than a
// snapshot has.
func (v viewer) needsUser(status session.Status) bool {
	return v.full && (status == session.Confirmed || status == session.Redeemed)
}

// status is how a code stands, for one viewer: the data of `check`, and a
// message of the push.
type status struct {
	Event         string         `json:"event"`
	Random        session.ID     `json:"random"`
	Status        int            `json:"status"`
	UserInfo      map[string]any `json:"userInfo"`
	Ticket        *string        `json:"ticket"`
	ScannedUserID *string        `json:"scannedUserId"`
	Version       int64          `json:"version"`
	ExpiresIn     float64        `json:"expiresIn"` // seconds, to the millisecond
	IsBrowser     bool           `json:"isBrowser"`
	MatchCode     string         `json:"matchCode,omitempty"` // to be entered on the phone
}

// statusOf puts together what v sees of a snapshot at now; full is the full
// user where v needs it.
func statusOf(snap session.Snapshot, v viewer, full map[string]any, now time.Time) status {
	out := status{
		Event: snap.Status.Event(), Random: snap.ID, Status: snap.Status.Code(), Version: snap.Version,
		UserInfo: face(snap.Nickname, snap.Photo), ExpiresIn: secondsLeft(snap, now), IsBrowser: v.isBrowser,
	}
	if full != nil {
		out.UserInfo = full
	}
	if v.entitled && snap.UserID != "" {
		out.ScannedUserID = &snap.UserID
	}
	if v.ticket != "" && snap.Status == session.Confirmed {
		out.Ticket = &v.ticket
	}
	if snap.Status == session.Scanned {
		out.MatchCode = v.matchCode
	}
	return out
}

// face is what a page shows of who scanned; what is not known is left out.
func face(nickname, photo string) map[string]any {
	out := make(map[string]any, 2)
	set(out, "nickname", nickname)
	set(out, "photo", photo)
	return out
}

func set(out map[string]any, name, value string) {
	if value != "" {
		out[name] = value
	}
}

func secondsLeft(snap session.Snapshot, now time.Time) float64 {
	left := snap.ExpiresAt.Sub(now)
	if snap.Status.Over() || left <= 0 {
		return 0
	}
	return math.Round(left.Seconds()*1000) / 1000
}

// fullUser is the user under the SDKs' names, with a token where one is issued.
func (s *Server) fullUser(p *pool.Pool, code session.Session) (map[string]any, error) {
	u := code.User
	out := make(map[string]any, len(u.More)+10)
	maps.Copy(out, u.More)
	out["id"] = u.ID
	set(out, "username", u.Username)
	set(out, "nickname", u.Nickname)
	set(out, "photo", u.Photo)
	set(out, "email", u.Email)
	if u.Email != "" {
		out["emailVerified"] = u.EmailVerified
	}
	set(out, "phone", u.Phone)
	text, expires, err := s.signer.Token(p, code)
	if errors.Is(err, token.ErrNone) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out["token"] = text
	out["tokenExpiredAt"] = iso(expires)
	return out, nil
}
