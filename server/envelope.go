package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/web"
)

// envelope is the form of every answer of the REST interface.
type envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

// success answers with data.
func success(c *call, data any) error {
	return c.JSON(http.StatusOK, envelope{http.StatusOK, c.locale().localize("Success", "成功"), data})
}

// writeError writes the response for an error. It is the only function that does.
func (s *Server) writeError(c *call, err error) {
	p, en, zh := describe(routing(err))
	level := slog.LevelDebug
	switch {
	case c.Request().Context().Err() != nil: // the client has gone
	case p == errInternal:
		level = slog.LevelError
	case p.status >= 500:
		level = slog.LevelWarn
	}
	about := []any{"requestId", c.by.RequestID, "method", c.Request().Method, "route", c.Path(), "status", p.status, "code", p.code, "error", err}
	if level == slog.LevelWarn { // a store that does not answer refuses each call; the debug log has all of them
		s.quiet.Log(c.Request().Context(), level, "request "+kindOf(err), "request refused", about...)
		level = slog.LevelDebug
	}
	s.log.Log(c.Request().Context(), level, "request refused", about...)
	if isAPI(c.Request()) {
		s.login.EmitRefused(c.by, callName(c), p.name)
	}
	if c.Response().Committed {
		return
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	s.mistakes.noteRefusal(c.Request(), err)
	if c.by.OriginRefused() {
		h.Del("Access-Control-Allow-Credentials")
		if !isGene(c.Request()) {
			h.Del("Access-Control-Allow-Origin")
		}
	}
	if p.status == http.StatusServiceUnavailable || p.status == http.StatusTooManyRequests {
		h.Set("Retry-After", login.RetryAfter(err))
	}
	if wantsPage(c.Request()) {
		web.NoticePage(noticeOf(p, c.Request()), p.status, web.Site{}, c.locale() == chinese).ServeHTTP(c.Response(), c.Request())
	} else if err := c.refuse(p, c.locale().localize(en, zh), stepUpIn(err)); err != nil {
		s.log.Debug("answer not written", "requestId", c.by.RequestID, "error", err)
	}
}

// refuse writes an error in the envelope of the interface that the request uses. needed is what
// the user's login must meet, nil for other errors.
func (c *call) refuse(p *problem, message string, needed *stepUpData) error {
	if needed != nil {
		c.Response().Header().Set("WWW-Authenticate", needed.challenge())
	}
	switch body := (envelope{p.code, message, nil}); {
	case isV3(c.Request()):
		return v3Error(c, p, message, needed)
	case needed != nil:
		return c.JSON(statusFor(p, c.Request()), stepUpEnvelope{body, needed})
	default:
		return c.JSON(statusFor(p, c.Request()), body)
	}
}

// callName returns the first word of the route below the API path, "" if there is no such
// route.
func callName(c *call) string {
	for _, base := range []string{apiPath, newPath, v3Path} {
		if rest, ok := strings.CutPrefix(c.Path(), base+"/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			return name
		}
	}
	return ""
}

// statusFor is the HTTP status with which p is answered to r.
func statusFor(p *problem, r *http.Request) int {
	if p.status < 500 && p.status != http.StatusTooManyRequests && fromSDK(r) {
		return http.StatusOK // SDKs look at code only then
	}
	return p.status
}

// routing turns what Echo itself refuses into rows of the table.
func routing(err error) error {
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		return err
	}
	switch he.Code {
	case http.StatusNotFound:
		return errNoRoute
	case http.StatusMethodNotAllowed:
		return errMethod
	case http.StatusRequestEntityTooLarge:
		return errTooLarge
	}
	return err
}

// fromSDK reports whether the request comes from an SDK, which expects refusals as
// HTTP 200.
func fromSDK(r *http.Request) bool {
	return r.Header.Get("X-Authing-Request-From") != "" || r.Header.Get("X-Authing-Sdk-Version") != ""
}

// maxBody is the maximum size of a body, in bytes: ten times the largest useful one, a
// vouched-for user of 4 KiB.
const maxBody = 64 << 10

// decode reads the body, a JSON object, into v. Unknown fields are ignored, as
// SDKs send more than is documented; no body is an empty object.
func decode(c *call, v any) error {
	r := c.Request()
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case err != nil:
		return malformed("body", "could not be read", "无法读取")
	case strings.TrimSpace(string(body)) == "":
		return nil
	}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return errMediaType
		}
	}
	return unmarshal(body, v)
}

func unmarshal(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil && string(bytes.TrimSpace(body)) == "null": // which Go decodes into any struct
		return malformed("body", "must be a JSON object", "必须是 JSON 对象")
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return malformed(wrong.Field, "must not be a JSON "+wrong.Value, "类型不正确")
	case errors.As(err, &wrong):
		return malformed("body", "must be a JSON object", "必须是 JSON 对象")
	default:
		return malformed("body", "is not valid JSON", "不是合法的 JSON")
	}
}
