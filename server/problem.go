package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/session"
)

// problem is a row of the contract's table of errors (A.5). As an error it
// stands for itself; with a cause, see because.
type problem struct {
	name   string // in events, and so in logs and metrics
	code   int    // in the envelope
	status int    // of HTTP
	en, zh string
}

func (p *problem) Error() string { return p.en }

// The table. What clients do not tell apart has one row.
var (
	errField       = &problem{"invalid_field", 2231, http.StatusBadRequest, "A field is missing or has the wrong form", "参数缺失或格式不正确"}
	errCredentials = &problem{"invalid_credentials", 1001, http.StatusUnauthorized, "Pool credentials are required", "需要用户池凭证"}
	errNotLoggedIn = &problem{"not_logged_in", 2020, http.StatusUnauthorized, "Not logged in", "尚未登录"}
	errOtherPool   = &problem{"other_pool", 2036, http.StatusForbidden, "The user is not in this user pool", "用户不属于该用户池"}
	errNoPool      = &problem{"no_pool", 2224, http.StatusNotFound, "User pool does not exist", "用户池不存在"}
	errNoCode      = &problem{"no_code", 2241, http.StatusNotFound, "QR code does not exist", "二维码不存在"}
	errInvalidCode = &problem{"invalid_code", 500, http.StatusNotFound, "Invalid QR code", "无效的二维码"} // for the phone; the SDKs' documents say 500
	errExpired     = &problem{"expired", 2242, http.StatusGone, "QR code has expired", "二维码已过期"}
	errNotScanned  = &problem{"not_scanned", 2243, http.StatusConflict, "Scan the QR code first", "请先扫描二维码"}
	errUsed        = &problem{"used", 2244, http.StatusConflict, "QR code has been used", "二维码已被使用"}
	errOtherUser   = &problem{"other_user", 2245, http.StatusConflict, "Scanned by another user", "二维码已被其他用户扫描"}
	errTicket      = &problem{"invalid_ticket", 2246, http.StatusGone, "Ticket is invalid or has been used", "ticket 无效或已被使用"}
	errOrigin      = &problem{"origin", 2247, http.StatusForbidden, "Origin is not allowed", "不允许的来源"}
	errBlocked     = &problem{"blocked", 2248, http.StatusForbidden, "This login is blocked", "该登录已被阻止"}
	errNumber      = &problem{"match_code", 2249, http.StatusForbidden, "matchCode is required: the number that the login page shows", "缺少 matchCode：请输入登录页面上显示的数字"}
	errVerifier    = &problem{"code_verifier", 2250, http.StatusForbidden, "codeVerifier does not fit the codeChallenge", "codeVerifier 与 codeChallenge 不匹配"}
	errTooMany     = &problem{"too_many", 429, http.StatusTooManyRequests, "Too many requests", "请求过于频繁"}
	errBusy        = &problem{"busy", 1000, http.StatusServiceUnavailable, "Busy, try again", "服务繁忙，请稍后重试"}
	errInternal    = &problem{"internal", 500, http.StatusInternalServerError, "Internal error", "服务器内部错误"}

	errNoRoute   = &problem{"no_route", 404, http.StatusNotFound, "Not found", "接口不存在"}
	errMethod    = &problem{"method", 405, http.StatusMethodNotAllowed, "Method not allowed", "不支持的请求方法"}
	errTooLarge  = &problem{"too_large", 413, http.StatusRequestEntityTooLarge, "The body is too large", "请求体过大"}
	errMediaType = &problem{"media_type", 415, http.StatusUnsupportedMediaType, "The body must be application/json", "请求体必须是 application/json"}
	errUpgrade   = &problem{"upgrade_required", 426, http.StatusUpgradeRequired, "This address speaks WebSocket only", "此地址仅支持 WebSocket"}
)

// standing says which row an error from below belongs to.
var standing = []struct {
	is error
	*problem
}{
	{session.ErrOver, errExpired},
	{session.ErrNotScanned, errNotScanned},
	{session.ErrUsed, errUsed},
	{session.ErrOtherUser, errOtherUser},
	{session.ErrNotFound, errNoCode},
	{identity.ErrRefused, errNotLoggedIn},
	{identity.ErrUnavailable, errBusy},
	{hub.ErrStopped, errBusy},
}

// refusal is a problem with what made it one: words for the client, which
// replace the row's, and a cause for the log.
type refusal struct {
	*problem
	en, zh string
	cause  error
	retry  time.Duration // when to try again; 0: not known
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.problem.Error() + ": " + r.cause.Error()
	}
	return r.en
}

func (r *refusal) Unwrap() []error { return []error{r.problem, r.cause} }

// because returns p with its cause.
func (p *problem) because(cause error) error {
	return &refusal{problem: p, en: p.en, zh: p.zh, cause: cause}
}

// tooMany is the refusal of somebody who may come again after wait.
func tooMany(wait time.Duration) error {
	return &refusal{problem: errTooMany, en: errTooMany.en, zh: errTooMany.zh, retry: wait}
}

// required is the refusal of a request that lacks a field.
func required(field string) error {
	return &refusal{problem: errField, en: field + " is required", zh: "缺少参数 " + field}
}

// malformed is the refusal of a field, in words that follow its name.
func malformed(field, en, zh string) error {
	return &refusal{problem: errField, en: field + " " + en, zh: field + " " + zh}
}

// describe returns the row that err belongs to and what the client is told.
func describe(err error) (p *problem, en, zh string) {
	var r *refusal
	if errors.As(err, &r) {
		return r.problem, r.en, r.zh
	}
	if errors.As(err, &p) {
		return p, p.en, p.zh
	}
	for _, row := range standing {
		if errors.Is(err, row.is) {
			return row.problem, row.en, row.zh
		}
	}
	return errInternal, errInternal.en, errInternal.zh
}

// rowOf returns the row that err belongs to.
func rowOf(err error) *problem {
	p, _, _ := describe(err)
	return p
}

// busy marks what the store said, beyond the errors it is known by, as the
// store's not answering.
func busy(err error) error {
	if err == nil || errors.Is(err, session.ErrNotConfirmed) {
		return err
	}
	for _, row := range standing {
		if errors.Is(err, row.is) {
			return err
		}
	}
	return errBusy.because(fmt.Errorf("store: %w", err))
}
