package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// geneRequest is the body of `gene`. The SDKs send more, which is ignored.
type geneRequest struct {
	UserPoolID  string          `json:"userPoolId"`
	Scene       *string         `json:"scene"`
	CustomData  json.RawMessage `json:"customData"`
	Params      json.RawMessage `json:"params"`
	CustomeData json.RawMessage `json:"customeData"` // the documents spell it so

	CodeChallenge       string `json:"codeChallenge"` // RFC 7636
	CodeChallengeMethod string `json:"codeChallengeMethod"`
}

// geneData is what a page gets for a new code.
type geneData struct {
	Random     session.ID `json:"random"`
	URL        string     `json:"url"`       // of the picture
	ExpiresIn  int        `json:"expiresIn"` // seconds
	Payload    string     `json:"payload"`   // the text inside the picture
	ExpireAt   string     `json:"expireAt"`
	BrowserKey string     `json:"browserKey"`
	CustomLogo string     `json:"customLogo,omitempty"`
	AppLink    string     `json:"appLink,omitempty"` // opens the app with this code
}

// gene makes a code (A.1).
func (s *Server) gene(c echo.Context) error {
	var in geneRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	p, named, err := s.namedPool(c, in.UserPoolID)
	if err != nil {
		return err
	}
	if !named {
		return required("userPoolId (or the header x-authing-userpool-id)")
	}
	if err := s.checkOrigin(c, p); err != nil {
		return err
	}
	if err := in.check(p); err != nil {
		return err
	}
	custom, err := in.customData()
	if err != nil {
		return err
	}
	if err := s.mayMakeFor(c, p); err != nil {
		return err
	}
	code, err := s.makeCode(c.Request().Context(), p, source{
		client: clientOf(c), cookie: s.ensureCookie(c), custom: custom, challenge: in.CodeChallenge, count: 1,
		trace: s.traceName(c.Request().Context()),
	}, callerOf(c))
	if err != nil {
		return err
	}
	s.aboutSpan(c, p, code)
	return success(c, geneData{
		Random: code.ID, URL: s.pictureURL(code.ID), ExpiresIn: wholeSeconds(code.ExpiresAt.Sub(code.CreatedAt)),
		Payload: code.Payload, ExpireAt: session.FormatTime(code.ExpiresAt), BrowserKey: p.BrowserKey(code), CustomLogo: p.Logo, AppLink: appLink(p, code.ID),
	})
}

// check refuses what p makes no code for.
func (r geneRequest) check(p *pool.Pool) error {
	if r.Scene != nil && *r.Scene != "" && *r.Scene != appAuth {
		return malformed("scene", "must be "+appAuth, "必须是 "+appAuth)
	}
	if err := checkChallenge(r.CodeChallenge, r.CodeChallengeMethod); err != nil {
		return err
	}
	if p.RequirePKCE && r.CodeChallenge == "" {
		return challengeMissing()
	}
	return nil
}

func wholeSeconds(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }

// source is where a new code comes from.
type source struct {
	client    session.Client
	cookie    string // the browser's; empty if it has none
	custom    string // JSON
	challenge string // RFC 7636; empty if it has none
	count     int    // which code of its page it is, from 1
	trace     string // as in the session
}

// makeCode stores a new code, and tells of it.
func (s *Server) makeCode(ctx context.Context, p *pool.Pool, from source, by caller) (session.Session, error) {
	now := s.store.Now().Truncate(time.Millisecond)
	code := session.Session{
		ID: session.NewID(), Pool: p.ID, CustomData: from.custom, Client: from.client,
		Salt: make([]byte, 16), SecretID: p.Secret.ID(), Count: from.count, Trace: from.trace,
		Challenge: from.challenge, Match: p.Match,
		CreatedAt: now, ExpiresAt: now.Add(p.CodeTTL),
	}
	rand.Read(code.Salt)
	if from.cookie != "" {
		code.CookieHash = cookieHash(from.cookie)
	}
	var err error
	if code.Payload, err = s.pictureText(p, code); err != nil {
		return session.Session{}, err
	}
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		code, err = session.Create(ctx, s.store, code)
		return err
	})
	if err == nil {
		s.emit(session.EventMade, code, by)
	}
	return code, err
}

// check tells how a code stands (A.2).
func (s *Server) check(c echo.Context) error {
	at, err := s.see(c)
	if err != nil {
		return err
	}
	if err := s.maySee(at.asker()); err != nil {
		return err
	}
	code, err := s.await(c, at)
	if err != nil {
		return err
	}
	p, v := at.pool, at.by
	data, err := s.statusOfSession(p, code, v)
	if err != nil {
		return err
	}
	if !v.entitled && code.Status == session.Confirmed {
		s.quiet.Log(c.Request().Context(), slog.LevelWarn, "ticket withheld", "ticket withheld from a caller that did not prove to be the browser",
			"requestId", requestID(c), "pool", p.ID, "ip", c.RealIP())
		return c.JSON(http.StatusOK, envelope{http.StatusOK, localeOf(c).localize(
			"The ticket goes only to the browser that asked for the code: send its cookie (withCredentials), the header x-browser-key, or the pool's secret",
			"ticket 只返回给请求该二维码的浏览器：请携带其 Cookie（withCredentials）、x-browser-key 请求头或用户池密钥"), data})
	}
	return success(c, data)
}

// statusOfSession is statusOf with the session at hand.
func (s *Server) statusOfSession(p *pool.Pool, code session.Session, v viewer) (status, error) {
	var full map[string]any
	if v.needsUser(code.Status) {
		var err error
		if full, err = s.fullUser(p, code); err != nil {
			return status{}, err
		}
	}
	return statusOf(code.Snapshot(), v, full, s.store.Now()), nil
}

// storeTime bounds one operation on the store, so that a call answers 1000
// within the contract's 2 s.
const storeTime = 1800 * time.Millisecond

// load returns a code and its pool; session.ErrNotFound also for a code of a
// pool that is no more.
func (s *Server) load(ctx context.Context, id session.ID) (session.Session, *pool.Pool, error) {
	var code session.Session
	err := s.withStore(ctx, func(ctx context.Context) (err error) {
		code, err = s.store.Load(ctx, id)
		return err
	})
	if err != nil {
		return session.Session{}, nil, err
	}
	p := s.pools.ByID(code.Pool)
	if p == nil {
		return session.Session{}, nil, session.ErrNotFound
	}
	return code, p, nil
}

// maxInStore is how many operations may be under way: forty times what a
// healthy Redis has of a node at 20,000 a second. A store that does not answer
// is so asked by that many, and the others learn at once that it is busy.
const maxInStore = 1024

var errCrowded = errors.New("too many operations are under way")

// withStore makes an operation on the store, and says errBusy where the store
// does not answer.
func (s *Server) withStore(ctx context.Context, do func(context.Context) error) error {
	if s.inStore.Add(1) > maxInStore {
		s.inStore.Add(-1)
		return errBusy.because(errCrowded)
	}
	defer s.inStore.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	return busy(do(ctx))
}

// proofOf collects what a request to see a code of p brings.
func (s *Server) proofOf(c echo.Context, p *pool.Pool) proof {
	by := proof{key: c.Request().Header.Get("X-Browser-Key"), cookie: s.cookieOf(c.Request())}
	if id, secret, ok := c.Request().BasicAuth(); ok && s.mayProve(c) == nil {
		if by.site = id == p.ID && p.Secret.Matches(secret); by.site {
			s.proven(c)
		} else {
			_ = s.missed(c, errCredentials) // the caller is just nobody; it is the next guess that is refused
		}
	}
	return by
}

// cookieName returns the browser cookie's name: over https one that no other
// host, path or plain connection can set (RFC 6265bis, 4.1.3.2).
func (s *Server) cookieName() string {
	if s.secure {
		return "__Host-scanlogin_browser"
	}
	return "scanlogin_browser"
}

// cookieOf returns the browser cookie's value if it has the form of ours, else "".
func (s *Server) cookieOf(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(s.cookieName()) {
		if raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value); err == nil && len(raw) == 16 {
			return cookie.Value
		}
	}
	return ""
}

// ensureCookie returns the browser cookie's value, and sets one if there is
// none.
func (s *Server) ensureCookie(c echo.Context) string {
	if value := s.cookieOf(c.Request()); value != "" {
		return value
	}
	cookie := &http.Cookie{
		Name: s.cookieName(), Value: string(session.NewOpID()), // 128 random bits
		Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if s.secure {
		cookie.Secure, cookie.SameSite, cookie.Partitioned = true, http.SameSiteNoneMode, true
	}
	c.SetCookie(cookie)
	return cookie.Value
}

// maxUserAgent bounds what is kept of a header that anybody writes, in bytes: what
// browsers and systems are known by is within the first 200 of real ones, and the
// audit trail keeps no more.
const maxUserAgent = 256

func clientOf(c echo.Context) session.Client {
	agent := c.Request().UserAgent()
	if len(agent) > maxUserAgent {
		agent = agent[:maxUserAgent]
	}
	if !utf8.ValidString(agent) {
		agent = strings.ToValidUTF8(agent, "")
	}
	return session.Client{IP: c.RealIP(), UserAgent: agent}
}

// isGone reports whether err says that there is no such code.
func isGone(err error) bool { return errors.Is(err, session.ErrNotFound) }
