package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// envelope is the form of every answer of the REST interface.
type envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

// retryAfter is what 429 and 503 ask for, in whole seconds (RFC 9110, 10.2.3):
// no less than what err knows. Where nobody knows, a second is soon enough: a
// place may be free, or the store back, at any moment.
func retryAfter(err error) string {
	var wait time.Duration
	if r, ok := errors.AsType[*refusal](err); ok {
		wait = r.retry
	}
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}

// success answers with data.
func success(c echo.Context, data any) error { return successIn(c, localeOf(c), data) }

// successIn is success in a language that was negotiated before.
func successIn(c echo.Context, l locale, data any) error {
	return c.JSON(http.StatusOK, envelope{http.StatusOK, l.localize("Success", "成功"), data})
}

// writeError is where every error becomes an answer.
func (s *Server) writeError(err error, c echo.Context) {
	p, en, zh := describe(routing(err))
	level := slog.LevelDebug
	switch {
	case c.Request().Context().Err() != nil: // the client has gone
	case p == errInternal:
		level = slog.LevelError
	case p.status >= 500:
		level = slog.LevelWarn
	}
	about := []any{"requestId", requestID(c), "method", c.Request().Method, "route", c.Path(), "status", p.status, "code", p.code, "error", err}
	if level == slog.LevelWarn { // a store that is away refuses each call; all of them are for those who look for one
		s.quiet.Log(c.Request().Context(), level, "request "+kindOf(err), "request refused", about...)
		level = slog.LevelDebug
	}
	s.log.Log(c.Request().Context(), level, "request refused", about...)
	s.emitRefused(c, p)
	if c.Response().Committed {
		return
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	status := statusFor(p, c.Request())
	if p.status == http.StatusServiceUnavailable || p.status == http.StatusTooManyRequests {
		c.Response().Header().Set("Retry-After", retryAfter(err))
	}
	if err := c.JSON(status, envelope{p.code, localeOf(c).localize(en, zh), nil}); err != nil {
		s.log.Debug("answer not written", "requestId", requestID(c), "error", err)
	}
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

// fromSDK reports whether the request comes from an SDK, which takes errors as
// HTTP 200.
func fromSDK(r *http.Request) bool {
	return r.Header.Get("X-Authing-Request-From") != "" || r.Header.Get("X-Authing-Sdk-Version") != ""
}

// maxBody is the most bytes of a body: ten times what the largest useful one
// has, a vouched-for user of 4 KiB.
const maxBody = 64 << 10

// decode reads the body, a JSON object, into v. Unknown fields are ignored, as
// SDKs send more than is documented; no body is an empty object.
func decode(c echo.Context, v any) error {
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
	case err == nil && string(bytes.TrimSpace(body)) == "null": // which Go takes for any object
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
