package server

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// phoneRequest is the body of the phone's three calls.
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
	Client      *clientData     `json:"client,omitempty"` // with scanned: the OAuth client that the code is for
	CustomData  json.RawMessage `json:"customData"`
	Match       session.Match   `json:"match,omitempty"`   // what confirm has to bring
	Consent     *consentData    `json:"consent,omitempty"` // with scanned
	StepUp      *stepUpData     `json:"stepUp,omitempty"`  // with scanned: confirm would refuse the token
	Device      *deviceData     `json:"device,omitempty"`  // with scanned: the code is for a device, not for a page
}

// clientData is the application that the user logs in to.
type clientData struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// deviceData is the device that asks.
type deviceData struct {
	Client   string `json:"client"`   // name of the OAuth client
	UserCode string `json:"userCode"` // to be compared with the one that the device shows
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

func (s *Server) scanned(c *call) error { return s.phone(c, s.login.Scan) }
func (s *Server) confirm(c *call) error { return s.phone(c, s.login.Confirm) }
func (s *Server) cancel(c *call) error  { return s.phone(c, s.login.Cancel) }

// phone makes a step of the phone's user.
func (s *Server) phone(c *call, step func(context.Context, *login.Caller, login.PhoneRequest) (login.PhoneResult, error)) error {
	var in phoneRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	result, err := step(c.Request().Context(), c.by, login.PhoneRequest{
		Pool: c.poolName(in.UserPoolID), Code: in.Random, Token: bearerToken(c.Request().Header.Get("Authorization")),
		User: in.User.user(), PhoneIP: in.PhoneIP, MatchCode: in.MatchCode,
	})
	if err != nil {
		return err
	}
	return success(c, s.phoneResult(c.locale(), result))
}

// phoneResult returns what the phone learns from a step.
func (s *Server) phoneResult(l locale, result login.PhoneResult) phoneData {
	data := s.phoneAnswer(l, result.Pool, result.Code)
	if result.Consent != nil {
		data.Match, data.Consent = result.Code.Match, consentOf(l, *result.Consent)
		data.StepUp = stepUpOf(result.StepUp)
		if c := result.Client; c != nil {
			data.Client = &clientData{c.ID, c.Name}
		}
		if d := result.Device; d != nil {
			data.Device = &deviceData{d.Client, d.UserCode}
		}
	}
	return data
}

// bearerToken returns the token in an Authorization header, with or without the scheme
// Bearer; "" if there is none.
func bearerToken(header string) string {
	kind, token, ok := strings.Cut(header, " ")
	if !ok {
		token = kind // the bare token
	} else if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
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

	AuthTime int64    `json:"auth_time"` // Unix time, seconds
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
}

// user returns the user, nil if none is named.
func (u *vouchedUser) user() *session.User {
	if u == nil {
		return nil
	}
	return &session.User{
		ID: u.ID, Username: u.Username, Nickname: u.Nickname, Photo: u.Photo,
		Email: u.Email, EmailVerified: u.EmailVerified, Phone: u.Phone,
		Auth: session.Auth{Time: u.AuthTime, ACR: u.ACR, AMR: u.AMR},
	}
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
