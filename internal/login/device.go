package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// Errors of the device authorization grant (RFC 8628, 3.5).
var (
	// ErrNoDevices means that the client may not use the grant.
	ErrNoDevices = errors.New("the client may not use the device authorization grant")
	// ErrPending means that the user has not decided yet.
	ErrPending = errors.New("the user has not decided yet")
	// ErrSlowDown is an ErrPending: the device polls faster than its interval, which has now
	// increased.
	ErrSlowDown = fmt.Errorf("%w: the device polls too fast", ErrPending)
	// ErrDenied means that the user canceled.
	ErrDenied = errors.New("the user canceled")
	// ErrExpired means that nobody agreed in time, or that the device did not ask in time afterwards.
	ErrExpired = errors.New("the device code has expired")
)

// DeviceRequest is a device authorization request of a client that has authenticated (RFC 8628, 3.1).
type DeviceRequest struct {
	Pool   *pool.Pool
	Client *pool.Client
	Scope  string // granted
}

// DeviceAuthorization is what a device shows and keeps (RFC 8628, 3.2).
type DeviceAuthorization struct {
	DeviceCode              string // secret of the device
	UserCode                string // typed code
	VerificationURI         string // page that says where to type the code
	VerificationURIComplete string // link of the code, for a QR code
	ExpiresIn               time.Duration
	Interval                time.Duration // between two polls
}

// CreateDevice creates a code whose grant is a device code. It is limited like the codes of pages.
// It needs no challenge in a pool that requires one: the device code never leaves the device.
//
// Errors: ErrNoDevices, TooMany, StoreFull, ErrUnavailable.
func (s *Service) CreateDevice(ctx context.Context, by *Caller, req DeviceRequest) (DeviceAuthorization, error) {
	p := req.Pool
	by.SetSubject(p, session.Session{})
	if !p.OffersDevice(req.Client) {
		return DeviceAuthorization{}, ErrNoDevices
	}
	err := s.allow(ctx, s.callFrom(ipaddr.Address(by.IP)))
	if err != nil {
		return DeviceAuthorization{}, err
	}
	if err := s.admit(ctx, by, p); err != nil {
		return DeviceAuthorization{}, err
	}
	code := s.newDeviceCode(by, req)
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		if code.Authorization.TypedCode, err = s.claimTyped(ctx, p, code); err != nil {
			return err
		}
		code, err = s.store.Create(ctx, code)
		return err
	})
	if err != nil {
		return DeviceAuthorization{}, err
	}
	by.SetSubject(p, code)
	s.emit(by, session.EventMade, code)
	return DeviceAuthorization{
		DeviceCode: p.DeviceCode(code), UserCode: p.TypedCode(code, code.Authorization.TypedCode),
		VerificationURI: s.publicURL + linkPath + p.ID, VerificationURIComplete: code.Payload,
		ExpiresIn: req.Client.DeviceCodeTTL, Interval: pollInterval,
	}, nil
}

// newDeviceCode returns a new code of a device. No browser gets its browser key.
func (s *Service) newDeviceCode(by *Caller, req DeviceRequest) session.Session {
	p := req.Pool
	code := s.emptyCode(by, p)
	code.Count, code.CustomData = 1, "{}"
	code.ExpiresAt = code.CreatedAt.Add(req.Client.DeviceCodeTTL)
	code.Grant = session.GrantDeviceCode
	code.Authorization = session.Authorization{ClientID: req.Client.ID, Scope: req.Scope}
	code.Payload = s.poolLink(p, code.ID)
	code, _ = p.WithHashes(code)
	return code
}

// Device is the device that a code is for, as its user sees it: they compare the code with the one
// that the device shows (RFC 8628, 5.4).
type Device struct {
	Client   string // name of the OAuth client
	UserCode string // as `WDJB-MJHT`
}

// deviceOf returns the device that a code is for; nil if it is for none.
func deviceOf(p *pool.Pool, code session.Session) *Device {
	if code.Grant != session.GrantDeviceCode {
		return nil
	}
	a := code.Authorization
	device := &Device{Client: a.ClientID, UserCode: p.TypedCode(code, a.TypedCode)}
	if c := clientOf(p, code); c != nil {
		device.Client = c.Name
	}
	return device
}

// RedeemDevice exchanges the device code of a client that has authenticated, once, as soon as the
// user has agreed. Errors: ErrPending, ErrSlowDown, ErrDenied, ErrExpired, ErrGrant, TooMany,
// ErrUnavailable; after the last one the code may have been used.
func (s *Service) RedeemDevice(ctx context.Context, by *Caller, p *pool.Pool, c *pool.Client, deviceCode string) (session.Session, error) {
	if err := s.checkGuesses(by, session.Session{}); err != nil {
		return session.Session{}, err
	}
	code, err := s.redeemDevice(ctx, by, p, c, deviceCode)
	switch {
	case err == nil:
		return code, nil
	case errors.Is(err, session.ErrNotFound), isRefusal(err), errors.Is(err, session.ErrStale):
		err = fmt.Errorf("%w: %w", ErrGrant, err)
	}
	return session.Session{}, s.countFailure(ctx, by, err)
}

func (s *Service) redeemDevice(ctx context.Context, by *Caller, p *pool.Pool, c *pool.Client, deviceCode string) (session.Session, error) {
	id, err := pool.TicketID(deviceCode)
	if err != nil {
		return session.Session{}, err
	}
	code, own, err := s.Code(ctx, id)
	if err != nil {
		return session.Session{}, err
	}
	// Only the device learns the state: its user and whoever saw its screen know the id.
	if own.ID != p.ID || code.Authorization.ClientID != c.ID || !p.IsDeviceCode(code, deviceCode) {
		return session.Session{}, session.ErrCredential
	}
	by.SetSubject(p, code)
	switch code.Status {
	case session.Waiting, session.Scanned:
		return session.Session{}, s.countPoll(ctx, code)
	case session.Canceled:
		return session.Session{}, ErrDenied
	case session.Expired:
		return session.Session{}, ErrExpired
	}
	code, _, err = s.apply(ctx, by, id, session.Change{Action: session.Redeem, Pool: p.ID, Credential: p.DeviceCredential(deviceCode)})
	if errors.Is(err, session.ErrOver) {
		err = ErrExpired
	}
	return code, err
}

// poolLink returns the link of a code with its pool.
func (s *Service) poolLink(p *pool.Pool, id session.ID) string {
	return s.publicURL + linkPath + p.ID + "/" + string(id)
}

// DevicePool returns the pool whose devices send their users to a path behind /s/; nil if there is
// none.
func (s *Service) DevicePool(path string) *pool.Pool {
	if p := s.pools.ByID(strings.TrimSuffix(path, "/")); p != nil && p.OffersDevices() {
		return p
	}
	return nil
}
