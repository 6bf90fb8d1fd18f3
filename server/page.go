package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server/push"
	"github.com/scanlogin/scanlogin/server/wire"
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

	Request string `json:"request"` // id of the authorization request whose page it is
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
	BrandColor string     `json:"brandColor,omitempty"` // #rrggbb, unless it is the default
	AppLink    string     `json:"appLink,omitempty"`    // opens the app with this code
	TypedCodes bool       `json:"typedCodes"`           // the pool offers typed codes
}

// gene creates a code.
func (s *Server) gene(c *call) error {
	var in geneRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	p, code, err := s.create(c, c.poolName(in.UserPoolID), in)
	if err != nil {
		return err
	}
	return success(c, geneData{
		Random: code.ID, URL: s.pictureURL(code.ID), ExpiresIn: login.WholeSeconds(code.ExpiresAt.Sub(code.CreatedAt)),
		Payload: code.Payload, ExpireAt: session.FormatTime(code.ExpiresAt), BrowserKey: code.BrowserKey, CustomLogo: p.Logo, BrandColor: p.OwnColor(), AppLink: login.AppLink(p, code.ID),
		TypedCodes: p.TypedCodes,
	})
}

// create creates a code of the named pool, bound to the caller's browser.
func (s *Server) create(c *call, name login.PoolName, in geneRequest) (*pool.Pool, login.Created, error) {
	none := login.Created{}
	p, named, err := s.login.FindPool(name)
	if err != nil {
		return nil, none, err
	}
	if !named {
		return nil, none, required("userPoolId (or the header x-authing-userpool-id)")
	}
	if err := s.login.CheckOrigin(c.by, p); err != nil {
		return nil, none, err
	}
	if err := in.check(); err != nil {
		return nil, none, err
	}
	if err := s.authorize(c, in.Request); err != nil {
		return nil, none, err
	}
	custom, err := in.customData()
	if err != nil {
		return nil, none, err
	}
	cookie := s.bindBrowser(c)
	code, err := s.login.Create(c.Request().Context(), c.by, login.CreateRequest{
		Pool: p, Client: s.clientID(name), CustomData: custom, Challenge: in.CodeChallenge, Count: 1, Trace: s.traceName(c.Request().Context()),
	})
	if err == nil && cookie != nil {
		c.SetCookie(cookie)
	}
	return p, code, err
}

// bindBrowser gives a caller without browser cookie a new one, to be set with its code. It
// returns nil if the caller has one.
func (s *Server) bindBrowser(c *call) *http.Cookie {
	if c.by.Cookie != "" {
		return nil
	}
	cookie := s.newCookie()
	c.by.Cookie = cookie.Value
	return cookie
}

// check refuses fields of the wrong form.
func (r geneRequest) check() error {
	if r.Scene != nil && *r.Scene != "" && *r.Scene != login.Scene {
		return malformed("scene", "must be "+login.Scene, "必须是 "+login.Scene)
	}
	return login.CheckChallenge(r.CodeChallenge, r.CodeChallengeMethod)
}

// authorize finds the authorization request that a page names, if it does.
func (s *Server) authorize(c *call, id string) (err error) {
	if id != "" {
		c.by.Authorization, err = s.login.Authorization(c.Request().Context(), id, s.oidc.RequestCookie(c.Request()))
	}
	return err
}

// view is the view of the code that a request asks about.
func (s *Server) view(c *call) (login.View, error) {
	if err := s.authorize(c, c.QueryParam("request")); err != nil {
		return login.View{}, err
	}
	return s.login.View(c.Request().Context(), c.by, login.ViewRequest{Pool: c.poolName(""), Random: c.QueryParam("random")})
}

// check returns the state of a code.
func (s *Server) check(c *call) error {
	v, err := s.view(c)
	if err != nil {
		return err
	}
	if err := s.login.CountCheck(v); err != nil {
		return err
	}
	wait, err := waitOf(c, v.Code.Version)
	if err != nil {
		return err
	}
	if v, err = s.push.Wait(c.Response(), c.Request(), c.by, v, wait); err != nil {
		return err
	}
	state, err := s.login.Show(v)
	if err != nil {
		return err
	}
	data := wire.NewStatus(state)
	if state.TicketWithheld {
		s.quiet.Log(c.Request().Context(), slog.LevelWarn, "ticket withheld", "ticket withheld from a caller that did not prove to be the browser",
			"requestId", c.by.RequestID, "pool", v.Pool.ID, "ip", c.by.IP)
		return c.JSON(http.StatusOK, envelope{http.StatusOK, c.locale().localize(
			"The ticket goes only to the browser that asked for the code: send its cookie (withCredentials), the header x-browser-key, or the pool's secret",
			"ticket 只返回给请求该二维码的浏览器：请携带其 Cookie（withCredentials）、x-browser-key 请求头或用户池密钥"), data})
	}
	return success(c, data)
}

// waitOf reads how long a check waits, and for which version: the query's `wait` in seconds
// and `version`, by default the version found.
func waitOf(c *call, found int64) (push.WaitRequest, error) {
	req := push.WaitRequest{Known: found}
	if text := c.QueryParam("version"); text != "" {
		var err error
		if req.Known, err = strconv.ParseInt(text, 10, 64); err != nil {
			return req, malformed("version", "must be a whole number", "必须是整数")
		}
	}
	text := c.QueryParam("wait")
	if text == "" {
		return req, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0) {
		return req, malformed("wait", "must be a number of seconds up to 25", "必须是不超过 25 的秒数")
	}
	req.For = min(time.Duration(min(seconds, push.MaxWait.Seconds())*float64(time.Second)), push.MaxWait)
	return req, nil
}

// events tells the states of a code as server-sent events.
func (s *Server) events(c *call) error {
	v, err := s.view(c)
	if err != nil {
		return err
	}
	return s.push.Events(c.Response(), c.Request(), c.by, v)
}

// socket accepts a WebSocket that watches a code, or makes its own. It watches if the
// query has the code and not the pool.
func (s *Server) socket(c *call) error {
	random := c.QueryParam("random")
	return s.push.Socket(c.Response(), c.Request(), c.by, push.SocketRequest{
		Pool: c.poolName(""), Random: random, Watch: random != "" && c.QueryParam("userPoolId") == "",
		Challenge: c.QueryParam("codeChallenge"), ChallengeMethod: c.QueryParam("codeChallengeMethod"),
		Request: c.QueryParam("request"), RequestCookie: s.oidc.RequestCookie(c.Request()),
		Trace: s.traceName(c.Request().Context()), Lang: push.Lang(c.locale()), // #nosec G115 -- one of two languages
	})
}

// clientID returns the id of the OAuth client that a request names by its app id; "" if there is none.
func (s *Server) clientID(name login.PoolName) string {
	if _, client := s.login.Client(name.App); name.ID == "" && client != nil {
		return client.ID
	}
	return ""
}
