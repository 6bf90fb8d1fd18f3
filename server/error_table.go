package server

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/push"
	"github.com/scanlogin/scanlogin/session"
)

// problem is a row of the table of errors in docs/api.md. As an error it stands for
// itself.
type problem struct {
	name   string // in events, and so in logs and metrics
	code   int    // in the envelope
	status int    // of HTTP
	en, zh string
}

func (p *problem) Error() string { return p.en }

// The rows. Errors that clients need not distinguish share one.
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
	errStepUp      = &problem{"step_up", 2251, http.StatusUnauthorized, "Log in again to confirm", "请重新登录后再确认"}
	errTooMany     = &problem{"too_many", 429, http.StatusTooManyRequests, "Too many requests", "请求过于频繁"}
	errBusy        = &problem{"busy", 1000, http.StatusServiceUnavailable, "Busy, try again", "服务繁忙，请稍后重试"}
	errInternal    = &problem{"internal", 500, http.StatusInternalServerError, "Internal error", "服务器内部错误"}

	errNoRoute   = &problem{"no_route", 404, http.StatusNotFound, "Not found", "接口不存在"}
	errMethod    = &problem{"method", 405, http.StatusMethodNotAllowed, "Method not allowed", "不支持的请求方法"}
	errTooLarge  = &problem{"too_large", 413, http.StatusRequestEntityTooLarge, "The body is too large", "请求体过大"}
	errMediaType = &problem{"media_type", 415, http.StatusUnsupportedMediaType, "The body must be application/json", "请求体必须是 application/json"}
	errUpgrade   = &problem{"upgrade_required", 426, http.StatusUpgradeRequired, "This address speaks WebSocket only", "此地址仅支持 WebSocket"}
)

// table maps errors to rows. The first match counts, so errors that wrap others come first.
// Texts of its own replace those of the row.
var table = []struct {
	is     error
	row    *problem
	en, zh string
}{
	{login.ErrNoPool, errNoPool, "", ""},
	{login.ErrInvalidCode, errInvalidCode, "", ""},
	{
		login.ErrWrongCredentials, errCredentials,
		"The pool credentials are wrong: Basic authentication needs the id of the user pool and its secret",
		"用户池凭证不正确：Basic 认证需要该用户池的 ID 和密钥",
	},
	{
		login.ErrClient, errCredentials,
		"Tokens need an OpenID Connect client of this user pool with a secret: Basic authentication, or client_id and client_secret",
		"换取令牌需要该用户池中带密钥的 OpenID Connect 客户端：请使用 Basic 认证，或 client_id 和 client_secret",
	},
	{login.ErrCredentials, errCredentials, "", ""},
	{
		login.ErrNoVouching, errNotLoggedIn,
		"This user pool has an identity, so the phone sends the user's token: set vouching to true in its configuration to let the back end of the app name the user, too",
		"该用户池配置了 identity，因此由手机发送用户的令牌：若也要由 App 的后端指定用户，请在其配置中将 vouching 设为 true",
	},
	{login.ErrNotLoggedIn, errNotLoggedIn, "", ""},
	{login.ErrOtherPool, errOtherPool, "", ""},
	{login.ErrTicket, errTicket, "", ""},
	{login.ErrOrigin, errOrigin, "", ""},
	{login.ErrMatchCode, errNumber, "", ""},
	{
		login.ErrChallengeRequired, errField,
		"codeChallenge is required by this user pool: send the base64url SHA-256 of a random verifier (PKCE, RFC 7636), and give the verifier to userinfo",
		"该用户池要求 codeChallenge：请发送随机 verifier 的 base64url SHA-256（PKCE，RFC 7636），并在 userinfo 中提交 verifier",
	},
	{
		login.ErrNoRequest, errField,
		"request has ended, or belongs to another browser: start again at the site",
		"request 已结束或属于其他浏览器：请返回网站重新开始",
	},
	{
		login.ErrTypedCodesOff, errField,
		"This user pool offers no typed codes: set typed_codes to true in its configuration",
		"该用户池未开启输入码：请在其配置中将 typed_codes 设为 true",
	},
	{login.ErrVerifierRequired, errVerifier, "codeVerifier is required: the QR code was made with a codeChallenge", "缺少 codeVerifier：该二维码带有 codeChallenge"},
	{login.ErrVerifierUnexpected, errVerifier, "codeVerifier is given, but the QR code was made without a codeChallenge", "提交了 codeVerifier，但该二维码没有 codeChallenge"},
	{login.ErrVerifier, errVerifier, "", ""},
	{login.ErrUnavailable, errBusy, "", ""},
	{session.ErrOver, errExpired, "", ""},
	{session.ErrNotScanned, errNotScanned, "", ""},
	{session.ErrUsed, errUsed, "", ""},
	{session.ErrOtherUser, errOtherUser, "", ""},
	{session.ErrNotFound, errNoCode, "", ""},
	{
		login.ErrNoIdentity, errNotLoggedIn,
		"This user pool has no identity, so it accepts no tokens: the back end of the app names the user, with the secret of the pool",
		"该用户池未配置 identity，不接受令牌：请由 App 的后端使用用户池密钥指定用户",
	},
	{identity.ErrRefused, errNotLoggedIn, "", ""},
	{identity.ErrUnavailable, errBusy, "", ""},
	{hub.ErrStopped, errBusy, "", ""},
	{push.ErrNoHandshake, errUpgrade, "", ""},
	{
		push.ErrBody, errField,
		"A WebSocket handshake must not have a body: leave out Content-Length and Transfer-Encoding",
		"WebSocket 握手请求不能包含请求体：请去掉 Content-Length 和 Transfer-Encoding",
	},
}

// fieldReasons are the reasons of a login.FieldError in Chinese, in words that follow the
// field's name. The English ones are the error's text.
var fieldReasons = map[login.FieldReason]string{
	login.NotS256:      "必须是 S256",
	login.NotChallenge: "必须是 43 个 base64url 字符：verifier 的 SHA-256",
	login.NotVerifier:  "须为 43 到 128 个字母、数字或 - . _ ~",
	login.NotTwoDigits: "必须是登录页面上显示的两位数字",
	login.NotAddress:   "必须是 IP 地址",
	login.NotUserID:    "必须是 1 到 255 字节的有效 Unicode 文本，且不含 U+FFFD",
	login.NotUsername:  "必须是有效的 Unicode 文本，且不含 U+FFFD",
}

// refusal is a problem with texts that replace the row's.
type refusal struct {
	*problem
	en, zh string
}

func (r *refusal) Error() string { return r.en }
func (r *refusal) Unwrap() error { return r.problem }

// required is the refusal of a request that lacks a field.
func required(field string) error { return login.FieldError{Field: field, Reason: login.Required} }

// malformed is the refusal of a field, in words that follow its name.
func malformed(field, en, zh string) error {
	return &refusal{problem: errField, en: field + " " + en, zh: field + " " + zh}
}

// describe returns the row that err belongs to, and the texts for the client.
func describe(err error) (p *problem, en, zh string) {
	if r, ok := describeDetails(err); ok {
		return r.problem, r.en, r.zh
	}
	if errors.As(err, &p) {
		return p, p.en, p.zh
	}
	for _, row := range table {
		if errors.Is(err, row.is) {
			return row.row, cmp.Or(row.en, row.row.en), cmp.Or(row.zh, row.row.zh)
		}
	}
	return errInternal, errInternal.en, errInternal.zh
}

// describeDetails is describe for errors with data of their own.
func describeDetails(err error) (refusal, bool) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return *r, true
	}
	if e, ok := errors.AsType[login.FieldError](err); ok {
		zh := e.Field + " " + fieldReasons[e.Reason]
		if e.Reason == login.Required {
			zh = "缺少参数 " + e.Field
		}
		return refusal{errField, e.Error(), zh}, true
	}
	if e, ok := errors.AsType[login.TooMany](err); ok {
		if e.CoolDown {
			return refusal{errTooMany, "The user canceled several times in a row: wait before the next scan", "用户已连续多次取消，请稍后再扫码"}, true
		}
		return refusal{errTooMany, errTooMany.en, errTooMany.zh}, true
	}
	if _, ok := errors.AsType[login.StoreFull](err); ok {
		return refusal{errBusy, errBusy.en, errBusy.zh}, true
	}
	if e, ok := errors.AsType[login.Blocked](err); ok {
		return describeBlocked(e), true
	}
	if _, ok := errors.AsType[login.StepUpRequired](err); ok {
		return refusal{errStepUp, errStepUp.en, errStepUp.zh}, true
	}
	if e, ok := errors.AsType[login.WrongNumber](err); ok {
		return describeWrongNumber(e), true
	}
	return refusal{}, false
}

func describeBlocked(e login.Blocked) refusal {
	r := refusal{errBlocked, errBlocked.en, errBlocked.zh}
	for i, reason := range e.Reasons {
		en, zh := reasonText(reason)
		r.en += [...]string{": ", "; "}[min(i, 1)] + en
		r.zh += [...]string{"：", "；"}[min(i, 1)] + zh
	}
	return r
}

func describeWrongNumber(e login.WrongNumber) refusal {
	switch e.Left {
	case 0:
		return refusal{errUsed, "Wrong number. That was the last try: the QR code is over", "数字不正确，尝试次数已用完，二维码已失效"}
	case 1:
		return refusal{errNumber, "Wrong number. 1 try left", "数字不正确，还可尝试 1 次"}
	}
	return refusal{errNumber, fmt.Sprintf("Wrong number. %d tries left", e.Left), fmt.Sprintf("数字不正确，还可尝试 %d 次", e.Left)}
}

// rowOf returns the row that err belongs to.
func rowOf(err error) *problem {
	p, _, _ := describe(err)
	return p
}
