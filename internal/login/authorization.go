package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// ErrNoRequest means that there is no such authorization request, or that another browser
// made it.
var ErrNoRequest = errors.New("no such authorization request")

// Values of AuthorizationRequest.ResponseMode.
const (
	ModeQuery    = "query"     // OAuth 2.0 Multiple Response Types 2.1
	ModeFormPost = "form_post" // OAuth 2.0 Form Post Response Mode
)

// AuthorizationRequest is a valid authorization request of a client (OIDC Core 3.1.2.1).
type AuthorizationRequest struct {
	Pool         string `json:"pool"` // id
	ClientID     string `json:"clientId"`
	RedirectURI  string `json:"redirectUri"`
	Scope        string `json:"scope"` // granted
	State        string `json:"state,omitempty"`
	Nonce        string `json:"nonce,omitempty"`
	Challenge    string `json:"challenge,omitempty"` // RFC 7636, S256
	ResponseMode string `json:"responseMode"`
	// StepUp is what `max_age` and `acr_values` require in addition to the pool, see
	// session.StepUp.Tightened. Its ACRValues are session.IsACRValue.
	StepUp session.StepUp `json:"stepUp,omitzero"`
	// User is the id of the user whom `id_token_hint` names; "" if there is none. No other user's
	// code reaches the client (OIDC Core 3.1.2.2).
	User string `json:"user,omitempty"`
}

// Authorization is an authorization request that the caller's browser made: the page for it
// shows codes of the request, and gets the redirect when one is confirmed.
type Authorization struct {
	AuthorizationRequest
	Issuer string

	hash    []byte    // session.HashSecret of its id
	expires time.Time // of its record
}

// record is what is stored of an authorization request.
type requestRecord struct {
	AuthorizationRequest
	CookieHash []byte    `json:"cookieHash"`
	Expires    time.Time `json:"expires"`
}

const (
	requestIDBytes = 32 // 256 random bits
	requestField   = "request"
)

// requestName returns the name of a request's record. The id is not in it: who can read the
// store cannot answer the request.
func requestName(hash []byte) string { return "oidc:request:" + hex.EncodeToString(hash) }

// Issuer returns the issuer of a pool's tokens for OAuth clients.
func (s *Service) Issuer(poolID string) string { return s.publicURL + "/oidc/" + poolID }

// BeginAuthorization stores an authorization request of the browser with a cookie, and returns
// its id: a secret that only this browser gets. The request lasts as long as a page may show
// codes and decide on the last one. Requests are limited like the codes that follow them.
// Errors: TooMany, StoreFull, ErrUnavailable.
func (s *Service) BeginAuthorization(ctx context.Context, by *Caller, p *pool.Pool, req AuthorizationRequest, cookie string) (id string, err error) {
	by.SetSubject(p, session.Session{})
	if err := s.capacity.admit(p, by.IP); err != nil {
		return "", err
	}
	address := ipaddr.Address(by.IP)
	err = s.allow(ctx,
		s.callFrom(address),
		ratelimit.Allow(s.pools.Pseudonym("requests", address), openCodes(cmp.Or(p.Limits.CodesPerAddress, s.limits.CodesPerAddress))),
		ratelimit.Allow(p.Pseudonym("requests"), openCodes(cmp.Or(p.Limits.CodesPerPool, s.limits.CodesPerPool))))
	if err != nil {
		return "", err
	}
	raw := make([]byte, requestIDBytes)
	rand.Read(raw)
	id = base64.RawURLEncoding.EncodeToString(raw)
	expiry := s.requestExpiry(p)
	text, err := json.Marshal(requestRecord{req, cookieHash(cookie), expiry})
	if err != nil {
		return "", err
	}
	err = s.withStore(ctx, func(ctx context.Context) error {
		return s.records.Put(ctx, requestName(session.HashSecret(id)), requestField, string(text), expiry)
	})
	return id, err
}

// requestExpiry returns when a request of p that is made now ends.
func (s *Service) requestExpiry(p *pool.Pool) time.Time {
	return s.records.Now().Add(time.Duration(p.MaxCodes)*p.CodeTTL + p.ConfirmTTL)
}

// Authorization returns the authorization request with an id, if the browser with the cookie
// made it and its client still exists. Errors: ErrNoRequest, ErrUnavailable.
func (s *Service) Authorization(ctx context.Context, id, cookie string) (*Authorization, error) {
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(id); err != nil || len(raw) != requestIDBytes || cookie == "" {
		return nil, ErrNoRequest
	}
	hash := session.HashSecret(id)
	var found []map[string]string
	err := s.withStore(ctx, func(ctx context.Context) (err error) {
		found, err = s.records.Get(ctx, requestName(hash))
		return err
	})
	if err != nil {
		return nil, err
	}
	var stored requestRecord
	if json.Unmarshal([]byte(found[0][requestField]), &stored) != nil || subtle.ConstantTimeCompare(stored.CookieHash, cookieHash(cookie)) != 1 {
		return nil, ErrNoRequest
	}
	a := &Authorization{AuthorizationRequest: stored.AuthorizationRequest, Issuer: s.Issuer(stored.Pool), hash: hash, expires: stored.Expires}
	p, c := s.pools.Client(a.ClientID)
	if p == nil || p.ID != a.Pool || !c.AllowsRedirect(a.RedirectURI) {
		return nil, ErrNoRequest
	}
	if a.expires.IsZero() { // stored by a node of the previous version
		a.expires = s.requestExpiry(p)
	}
	return a, nil
}

// stored returns what a code of the request stores.
func (a *Authorization) stored() session.Authorization {
	return session.Authorization{ClientID: a.ClientID, RedirectURI: a.RedirectURI, Scope: a.Scope, Nonce: a.Nonce, RequestHash: a.hash}
}

// has reports whether a code was created for the request.
func (a *Authorization) has(code session.Session) bool {
	return a != nil && code.Grant == session.GrantAuthorizationCode && subtle.ConstantTimeCompare(a.hash, code.Authorization.RequestHash) == 1
}

// Resumes reports whether a page with this request may continue with a code: both belong to the
// same request, or to none.
func (a *Authorization) Resumes(code session.Session) bool {
	if a == nil {
		return code.Grant != session.GrantAuthorizationCode
	}
	return a.has(code)
}

// Redirect is how a browser returns to the client: it opens URL or, if Fields are set, posts
// them to URL as a form.
type Redirect struct {
	URL    string
	Fields map[string]string
}

// Answer returns the authorization response with parameters in addition to `iss` (RFC 9207) and
// `state`, which it sets in params.
func (a *Authorization) Answer(params map[string]string) Redirect {
	params["iss"] = a.Issuer
	if a.State != "" {
		params["state"] = a.State
	}
	if a.ResponseMode == ModeFormPost {
		return Redirect{a.RedirectURI, params}
	}
	query := make(url.Values, len(params))
	for name, value := range params {
		query.Set(name, value)
	}
	separator := "?"
	if strings.Contains(a.RedirectURI, "?") { // its own parameters stay as they are (RFC 6749, 3.1.2)
		separator = "&"
	}
	return Redirect{URL: a.RedirectURI + separator + query.Encode()}
}

// RedeemCodeRequest exchanges an authorization code (RFC 6749, 4.1.3). The client has
// authenticated.
type RedeemCodeRequest struct {
	Pool        *pool.Pool
	Client      *pool.Client
	Code        string
	RedirectURI string
	Verifier    string // of the code's challenge (RFC 7636); "" if there is none
}

// Errors of RedeemCode besides FieldError, TooMany and ErrUnavailable.
var (
	// ErrGrant means that the authorization code is unknown, has expired, or is not one of
	// the client and its request. Nothing was spent.
	ErrGrant = errors.New("the authorization code is invalid, has expired, or is of another client or redirect_uri")
	// ErrReplayed means that the code was exchanged before, by whoever had the same client
	// authentication, redirect URI and verifier: one of the two has stolen it.
	ErrReplayed = errors.New("the authorization code was used before")
)

// RedeemCode exchanges an authorization code, once. It returns the code also with ErrReplayed.
// Errors: those above, and ErrVerifier; after ErrUnavailable the code may have been used.
func (s *Service) RedeemCode(ctx context.Context, by *Caller, req RedeemCodeRequest) (session.Session, error) {
	if err := s.checkGuesses(by, session.Session{}); err != nil {
		return session.Session{}, err
	}
	code, err := s.redeemCode(ctx, by, req)
	switch {
	case err == nil:
	case errors.Is(err, session.ErrNotFound), isRefusal(err), errors.Is(err, session.ErrStale):
		err = fmt.Errorf("%w: %w", ErrGrant, err)
	}
	if err != nil && !errors.Is(err, ErrReplayed) {
		return session.Session{}, s.countFailure(ctx, by, err)
	}
	return code, err
}

func (s *Service) redeemCode(ctx context.Context, by *Caller, req RedeemCodeRequest) (session.Session, error) {
	id, err := pool.TicketID(req.Code)
	if err != nil {
		return session.Session{}, err
	}
	code, p, err := s.Code(ctx, id) // what is compared with it never changes
	if err != nil {
		return session.Session{}, err
	}
	a := code.Authorization
	if p.ID != req.Pool.ID || code.Grant != session.GrantAuthorizationCode || a.ClientID != req.Client.ID || a.RedirectURI != req.RedirectURI {
		return session.Session{}, session.ErrCredential
	}
	by.SetSubject(p, code)
	if code.Status == session.Confirmed && s.store.Now().Sub(code.ConfirmedAt) > req.Client.CodeTTL {
		return session.Session{}, session.ErrOver
	}
	challenge := challengeOf(req.Verifier)
	code, _, err = s.apply(ctx, by, id, session.Change{Action: session.Redeem, Pool: p.ID, Credential: p.CodeCredential(req.Code, challenge)})
	switch {
	case errors.Is(err, session.ErrUsed) && code.Status == session.Redeemed && challenge == code.Challenge:
		return code, ErrReplayed
	case errors.Is(err, session.ErrVerifier):
		return session.Session{}, wrongVerifier(code, req.Verifier)
	}
	return code, err
}
