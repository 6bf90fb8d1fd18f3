package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// phoneRequest is the body of the phone's three calls (A.4).
type phoneRequest struct {
	Random     string       `json:"random"` // or the picture's whole text
	UserPoolID string       `json:"userPoolId"`
	User       *vouchedUser `json:"user"`      // only where the app's back end vouches
	PhoneIP    string       `json:"phoneIp"`   // likewise: where its user's phone is
	MatchCode  string       `json:"matchCode"` // with confirm: the number on the page, where the pool wants it
}

// phoneData is what the phone learns: enough to show who is asking.
type phoneData struct {
	Random      session.ID      `json:"random"`
	Status      int             `json:"status"`
	Description string          `json:"description"`
	Browser     browserData     `json:"browser"`
	Pool        poolData        `json:"pool"`
	CustomData  json.RawMessage `json:"customData"`
	Match       session.Match   `json:"match,omitempty"`   // what confirm has to bring
	Consent     *consentData    `json:"consent,omitempty"` // with scanned
}

type browserData struct {
	IP        string `json:"ip"`
	UserAgent string `json:"userAgent"`
	Browser   string `json:"browser"` // in words
	OS        string `json:"os"`      // in words
	Place     string `json:"place,omitempty"`
	Country   string `json:"country,omitempty"` // ISO 3166-1, two letters
	CreatedAt string `json:"createdAt"`
}

type poolData struct {
	Name string `json:"name"`
	Logo string `json:"logo,omitempty"`
}

// requestTime bounds what an issuer may take to tell the user.
const requestTime = 10 * time.Second

// freshEnough is how old an issuer's answer may be when the user agrees.
const freshEnough = 10 * time.Second

func (s *Server) scanned(c echo.Context) error { return s.phone(c, session.Scan) }
func (s *Server) confirm(c echo.Context) error { return s.phone(c, session.Confirm) }
func (s *Server) cancel(c echo.Context) error  { return s.phone(c, session.Cancel) }

// phone makes one of the phone's steps.
func (s *Server) phone(c echo.Context, action session.Action) error {
	var in phoneRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	own, named, err := s.namedPool(c, in.UserPoolID)
	if err != nil {
		return err
	}
	if in.Random == "" {
		return required("random")
	}
	code, p, err := s.loadForPhone(c, in.Random)
	if err != nil {
		return s.missed(c, err)
	}
	about(c, p, code, "")
	if err := s.checkOrigin(c, p); err != nil {
		return cmp.Or(s.mayLearn(c, code), err)
	}
	if !named {
		own = p
	}
	change := session.Change{Action: action}
	switch action {
	case session.Scan:
		change.TTL = p.ConfirmTTL
	case session.Confirm:
		change.TTL = p.TicketTTL
	}
	if change.User, err = s.phoneUser(c, in, own, p, action); err != nil {
		return s.missed(c, cmp.Or(s.mayLearn(c, code), err))
	}
	about(c, p, code, change.User.ID)
	if err := s.mayStep(c, p, change.User.ID); err != nil {
		return err
	}
	return s.phoneStep(c, in, p, code, change)
}

// phoneStep makes the change that a known user asks for, and answers.
func (s *Server) phoneStep(c echo.Context, in phoneRequest, p *pool.Pool, code session.Session, change session.Change) error {
	ctx := c.Request().Context()
	address, err := phoneAddress(c, in)
	if err != nil {
		return err
	}
	var known acquaintance
	if change.Action == session.Scan {
		known = s.lately.of(ctx, p, code, change.User.ID)
		if err := inPeace(known.rest); err != nil {
			return err
		}
	}
	if change.Action == session.Confirm && session.Advances(code, change) {
		if err := s.notBlocked(ctx, p, code, change.User.ID, address); err != nil {
			return err
		}
		if change, err = matched(p, code, change, in.MatchCode); err != nil {
			return err
		}
	}
	by := callerOf(c)
	by.user = change.User.ID
	code, stored, err := s.transition(ctx, code, change, by)
	if err != nil {
		if isGone(err) {
			return errInvalidCode
		}
		return err
	}
	if change.Action == session.Mismatch {
		return mismatch(code)
	}
	if stored { // not a phone that asks again
		s.stepped(ctx, p, code)
	}
	l := localeOf(c)
	data := s.phoneAnswer(l, p, code)
	if change.Action == session.Scan {
		data.Match, data.Consent = code.Match, consentOf(l, s.factsOf(code, address, known), p.Consent)
	}
	return successIn(c, l, data)
}

func (s *Server) loadForPhone(c echo.Context, text string) (session.Session, *pool.Pool, error) {
	id, err := s.readCode(text)
	if err != nil {
		return session.Session{}, nil, errInvalidCode
	}
	code, p, err := s.load(c.Request().Context(), id)
	if isGone(err) {
		err = errInvalidCode
	}
	return code, p, err
}

// phoneUser returns the phone's user: the one that its token names, or the one that
// the app's back end vouches for. The phone belongs to pool own, the code to p.
func (s *Server) phoneUser(c echo.Context, in phoneRequest, own, p *pool.Pool, action session.Action) (session.User, error) {
	if _, _, ok := c.Request().BasicAuth(); ok {
		site, proven := siteOf(c)
		if !proven {
			return session.User{}, errCredentials
		}
		return vouched(in.User, p, site)
	}
	kind, token, ok := strings.Cut(c.Request().Header.Get("Authorization"), " ")
	if !ok {
		token = kind // the bare token
	} else if !strings.EqualFold(kind, "Bearer") {
		return session.User{}, errNotLoggedIn
	}
	if token = strings.TrimSpace(token); token == "" {
		return session.User{}, errNotLoggedIn
	}
	var maxAge time.Duration
	if action == session.Confirm {
		maxAge = freshEnough
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), requestTime)
	defer cancel()
	user, err := identify(ctx, own, token, s.store.Now(), maxAge)
	switch {
	case err == nil && own.ID != p.ID:
		return session.User{}, errOtherPool
	case errors.Is(err, identity.ErrRefused) && identity.AcceptedByAny(ctx, token, s.store.Now(), s.pools.IdentitiesExcept(own)):
		return session.User{}, errOtherPool.because(err)
	}
	return user, err
}

// identify asks a pool whose token it is; one without identity knows nobody.
func identify(ctx context.Context, p *pool.Pool, token string, now time.Time, maxAge time.Duration) (session.User, error) {
	if p.Identity == nil {
		return session.User{}, fmt.Errorf("%w: the pool has no identity", identity.ErrRefused)
	}
	return p.Identity.Identify(ctx, token, now, maxAge)
}

// vouchedUser is a user as the app's back end names it.
type vouchedUser struct {
	ID            string `json:"id"`
	Username      string `json:"username"`
	Nickname      string `json:"nickname"`
	Photo         string `json:"photo"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"emailVerified"`
	Phone         string `json:"phone"`
}

// vouched returns the user that the back end of the pool site names for a code of pool p.
func vouched(user *vouchedUser, p, site *pool.Pool) (session.User, error) {
	switch {
	case site.ID != p.ID:
		return session.User{}, errOtherPool
	case !p.AllowsVouching():
		return session.User{}, errNotLoggedIn.because(errors.New("vouching is off for pool " + p.ID))
	case user == nil || user.ID == "":
		return session.User{}, required("user.id")
	}
	u, err := session.User{
		ID: user.ID, Username: user.Username, Nickname: user.Nickname, Photo: user.Photo,
		Email: user.Email, EmailVerified: user.EmailVerified, Phone: user.Phone,
	}.Bounded()
	switch {
	case errors.Is(err, session.ErrUsername):
		return session.User{}, malformed("user.username", "must be valid Unicode text, without U+FFFD", "必须是有效的 Unicode 文本，且不含 U+FFFD")
	case err != nil:
		return session.User{}, malformed("user.id", "must be valid Unicode text of 1 to 255 bytes, without U+FFFD", "必须是 1 到 255 字节的有效 Unicode 文本，且不含 U+FFFD")
	}
	return u, nil
}

func (s *Server) phoneAnswer(l locale, p *pool.Pool, code session.Session) phoneData {
	browser, os := shownAgent(l, code.Client.UserAgent)
	page, _ := netip.ParseAddr(code.Client.IP)
	country, where := s.place(page, l.localize("en", "zh-CN"))
	return phoneData{
		Random: code.ID, Status: code.Status.Code(), Description: description(l, code.Status),
		Browser: browserData{
			IP: code.Client.IP, UserAgent: session.DisplayText(code.Client.UserAgent, maxUserAgent), Browser: browser, OS: os,
			CreatedAt: session.FormatTime(code.CreatedAt), Place: session.DisplayText(where, maxPlace), Country: session.DisplayText(country, 2),
		},
		Pool: poolData{Name: p.Name, Logo: p.Logo}, CustomData: json.RawMessage(code.CustomData),
	}
}

// maxPlace bounds the name of a place, in characters: city and country, of which the
// longest have 60 together.
const maxPlace = 100

func description(l locale, st session.Status) string {
	switch st {
	case session.Scanned:
		return l.localize("Scanned. Ask the user to confirm or cancel", "已扫码，请用户确认或取消")
	case session.Canceled:
		return l.localize("Canceled", "已取消登录")
	default:
		return l.localize("Confirmed", "已确认登录")
	}
}
