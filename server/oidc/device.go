package oidc

import (
	"context"
	"net/http"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
)

const (
	devicePath      = "/device"
	deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code" // RFC 8628, 3.4
)

// deviceResponse is the device authorization response (RFC 8628, 3.2).
type deviceResponse struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"` // seconds
	Interval                int64  `json:"interval"`   // seconds
}

// device answers the device authorization endpoint (RFC 8628, 3.1).
func (p *Provider) device(c *call) error {
	of, client, err := p.authenticate(c)
	if err != nil {
		return err
	}
	if p.signer == nil || len(p.signer.Keys()) == 0 {
		return errServer
	}
	scope := strings.Join(client.Grant(strings.Fields(c.form["scope"])), " ")
	if scope == "" {
		return errInvalidScope
	}
	d, err := p.login.CreateDevice(c.r.Context(), c.by, login.DeviceRequest{Pool: of, Client: client, Scope: scope})
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, deviceResponse{
		DeviceCode: d.DeviceCode, UserCode: d.UserCode,
		VerificationURI: d.VerificationURI, VerificationURIComplete: d.VerificationURIComplete,
		ExpiresIn: int64(d.ExpiresIn.Seconds()), Interval: int64(d.Interval.Seconds()),
	})
}

// deviceGrant exchanges a device code for tokens, once (RFC 8628, 3.4).
func (p *Provider) deviceGrant(c *call, of *pool.Pool, client *pool.Client) error {
	if c.form["device_code"] == "" {
		return errInvalidRequest.because("device_code is required")
	}
	if p.signer == nil || len(p.signer.Keys()) == 0 {
		return errServer // before the code is spent
	}
	code, err := p.login.RedeemDevice(c.r.Context(), c.by, of, client, c.form["device_code"])
	if err != nil {
		return err
	}
	// The code is spent: a device that disconnects must not keep its tokens from being recorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.r.Context()), recordTime)
	defer cancel()
	g, err := p.login.BeginTokens(ctx, of, client, code)
	if err != nil {
		return err
	}
	return p.writeTokens(c, g, "")
}
