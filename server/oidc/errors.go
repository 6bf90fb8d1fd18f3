package oidc

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/web"
)

// problem is a row of the table of errors in docs/api.md: an error code of a standard. As an
// error it stands for itself.
type problem struct {
	name        string // error
	status      int    // of HTTP, where the error is the response
	description string // error_description: reveals nothing about codes, tokens and secrets
}

func (p *problem) Error() string { return p.name + ": " + p.description }

// The rows.
var (
	errInvalidRequest    = &problem{"invalid_request", http.StatusBadRequest, "a parameter is missing or has the wrong form"}                                   // RFC 6749, 4.1.2.1 and 5.2
	errNoIssuer          = &problem{"invalid_request", http.StatusNotFound, "there is no such issuer; check the path, or client_id"}                            // discovery of an unknown issuer is 404
	errInvalidClient     = &problem{"invalid_client", http.StatusUnauthorized, "client authentication failed; check client_id and secret"}                      // RFC 6749, 5.2
	errInvalidGrant      = &problem{"invalid_grant", http.StatusBadRequest, "the grant is invalid, expired, used, or of another request"}                       // RFC 6749, 5.2
	errGrantType         = &problem{"unsupported_grant_type", http.StatusBadRequest, "grant_type is not supported"}                                             // RFC 6749, 5.2
	errResponseType      = &problem{"unsupported_response_type", http.StatusBadRequest, "response_type must be code"}                                           // RFC 6749, 4.1.2.1
	errAccessDenied      = &problem{"access_denied", http.StatusForbidden, "the user went back"}                                                                // RFC 6749, 4.1.2.1
	errLoginRequired     = &problem{"login_required", http.StatusBadRequest, "each login needs the user's phone; send no prompt=none"}                          // OIDC Core 3.1.2.6
	errRequest           = &problem{"request_not_supported", http.StatusBadRequest, "request is not supported; send its parameters by themselves"}              // OIDC Core 3.1.2.6
	errRequestURI        = &problem{"request_uri_not_supported", http.StatusBadRequest, "request_uri is not supported; send its parameters by themselves"}      // OIDC Core 3.1.2.6
	errRegistration      = &problem{"registration_not_supported", http.StatusBadRequest, "registration is not supported; clients are configured at the server"} // OIDC Core 3.1.2.6
	errUnmet             = &problem{"unmet_authentication_requirements", http.StatusBadRequest, "no login has one of acr_values; see acr_values_supported"}     // OIDC Core Error Code unmet_authentication_requirements 1.0, 2
	errInvalidScope      = &problem{"invalid_scope", http.StatusBadRequest, "the client may be granted none of the requested scopes"}                           // RFC 6749, 4.1.2.1 and 5.2
	errScopeExceeded     = &problem{"invalid_scope", http.StatusBadRequest, "scope exceeds what the user authorized; omit it, or request less"}                 // RFC 6749, 6
	errInvalidToken      = &problem{"invalid_token", http.StatusUnauthorized, "the access token is invalid, has expired, or was revoked"}                       // RFC 6750, 3.1
	errNoToken           = &problem{"invalid_token", http.StatusUnauthorized, "an access token is required: Authorization: Bearer"}                             // RFC 6750, 3
	errInsufficientScope = &problem{"insufficient_scope", http.StatusForbidden, "the access token does not have the scope openid"}                              // RFC 6750, 3.1
	errUnavailable       = &problem{"temporarily_unavailable", http.StatusServiceUnavailable, "try again in a moment"}                                          // RFC 6749, 4.1.2.1
	errUnauthorized      = &problem{"unauthorized_client", http.StatusBadRequest, "the client may not use the device authorization grant; set device: true"}    // RFC 6749, 5.2
	errPending           = &problem{"authorization_pending", http.StatusBadRequest, "the user has not decided yet; ask again after the interval"}               // RFC 8628, 3.5
	errSlowDown          = &problem{"slow_down", http.StatusBadRequest, "the device asks too often; wait five seconds longer each time from now on"}            // RFC 8628, 3.5
	errDenied            = &problem{"access_denied", http.StatusBadRequest, "the user canceled"}                                                                // RFC 8628, 3.5
	errExpiredToken      = &problem{"expired_token", http.StatusBadRequest, "the device code has expired; request another one"}                                 // RFC 8628, 3.5
	errTooMany           = &problem{"temporarily_unavailable", http.StatusTooManyRequests, "too many requests; wait as Retry-After says"}                       // RFC 6585, 4
	errServer            = &problem{"server_error", http.StatusInternalServerError, "the server failed"}                                                        // RFC 6749, 4.1.2.1
)

// table maps errors to rows. The first match counts.
var table = []struct {
	is  error
	row *problem
}{
	{login.ErrClient, errInvalidClient},
	{login.ErrUnavailable, errUnavailable},
	{token.ErrNone, errUnavailable},
	{authorization.ErrScope, errScopeExceeded},
	{login.ErrGrant, errInvalidGrant},
	{login.ErrReplayed, errInvalidGrant},
	{login.ErrNoDevices, errUnauthorized},
	{login.ErrSlowDown, errSlowDown},
	{login.ErrPending, errPending},
	{login.ErrDenied, errDenied},
	{login.ErrExpired, errExpiredToken},
	{login.ErrVerifier, errInvalidGrant},
}

// refusal is a problem with a description of its own.
type refusal struct {
	*problem
	description string
}

func (r *refusal) Error() string { return r.name + ": " + r.description }
func (r *refusal) Unwrap() error { return r.problem }

// because returns p with a description.
func (p *problem) because(description string) error { return &refusal{p, description} }

// describe returns the row that err belongs to, and the description for the client.
func describe(err error) (*problem, string) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.problem, r.description
	}
	if p, ok := errors.AsType[*problem](err); ok {
		return p, p.description
	}
	if e, ok := errors.AsType[login.FieldError](err); ok {
		return errInvalidRequest, e.Error()
	}
	if login.IsAdmission(err) {
		return errTooMany, errTooMany.description
	}
	for _, row := range table {
		if errors.Is(err, row.is) {
			return row.row, row.row.description
		}
	}
	return errServer, errServer.description
}

// errorBody is an error as the endpoints answer it (RFC 6749, 5.2).
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// writeError writes the response for an error that does not go to a redirect URI. It is the only
// function that does.
func (p *Provider) writeError(c *call, err error) {
	row, description := describe(err)
	p.logError(c, row, err)
	if row != errPending { // which each device gets every five seconds
		p.login.EmitRefused(c.by, c.endpoint.call(), row.name)
	}
	h := c.w.Header()
	switch row.status {
	case http.StatusUnauthorized:
		if text := challenge(c, row); text != "" {
			h.Set("WWW-Authenticate", text)
		}
	case http.StatusForbidden:
		if row == errInsufficientScope {
			h.Set("WWW-Authenticate", `Bearer realm="scanlogin", error="insufficient_scope", scope="openid"`)
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", login.RetryAfter(err))
	}
	if c.endpoint.page {
		web.AuthorizeError(c.w, row.status, web.AuthorizeErrorPage{Error: row.name, Description: description, Lang: p.pageLang(c)})
		return
	}
	if err := c.writeJSON(row.status, errorBody{row.name, description}); err != nil {
		p.log.Debug("answer not written", "requestId", c.by.RequestID, "error", err)
	}
}

// challenge returns the WWW-Authenticate of a 401: for the token (RFC 6750, 3), or for the client if
// it authenticated in the header (RFC 6749, 5.2).
func challenge(c *call, row *problem) string {
	switch {
	case row == errNoToken: // without an error, because nothing was tried
		return `Bearer realm="scanlogin"`
	case row == errInvalidToken:
		return `Bearer realm="scanlogin", error="invalid_token", error_description="` + row.description + `"`
	case c.r.Header.Get("Authorization") != "":
		return `Basic realm="scanlogin", charset="UTF-8"`
	}
	return ""
}

// logError logs what concerns the operator; the debug log has all errors.
func (p *Provider) logError(c *call, row *problem, err error) {
	about := []any{"requestId", c.by.RequestID, "endpoint", c.endpoint.Path, "status", row.status, "problem", row.name, "error", err}
	switch {
	case c.r.Context().Err() != nil: // the client has gone
	case row == errServer:
		p.log.Error("request refused", about...)
		return
	case row == errInvalidClient:
		p.quiet.Log(c.r.Context(), slog.LevelWarn, "client", "client refused: it must send its client_id and secret as in the configuration; other callers are guessing", about...)
	case row == errUnavailable:
		p.quiet.Log(c.r.Context(), slog.LevelWarn, "request "+login.ErrorKind(err), "request refused", about...)
	}
	p.log.Debug("request refused", about...)
}
