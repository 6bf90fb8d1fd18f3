package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/safehttp"
)

const (
	// attemptTimeout bounds an attempt, from the DNS lookup to the last byte of the
	// response.
	attemptTimeout = 10 * time.Second
	// maxResponse is how much of a response is read and discarded, so that the
	// connection can be reused.
	maxResponse = 16 << 10 // bytes
)

// poster sends requests to one pool's receiver.
type poster struct {
	transport *http.Transport
	client    *http.Client
}

// newPoster returns a poster that calls allowPrivate for each connection.
func newPoster(allowPrivate func() bool) *poster {
	transport := safehttp.Transport(func(addr netip.Addr) error {
		if allowPrivate() {
			return nil
		}
		return safehttp.Public(addr)
	})
	return &poster{transport, &http.Client{Transport: transport, CheckRedirect: safehttp.NoRedirects}}
}

func (p *poster) close() { p.transport.CloseIdleConnections() }

// errGone is returned if the receiver wants no more messages.
var errGone = errors.New("the receiver returned status 410 (gone)")

// statusError is a response other than 2xx and 410.
type statusError struct {
	status     int
	retryAfter time.Duration // 0: not given
}

func (e *statusError) Error() string { return fmt.Sprintf("the receiver returned status %d", e.status) }

// post sends a message once. nil means that the receiver returned 2xx. The error contains
// nothing of the URL, of the response (except its status) or of the message.
func (p *poster) post(ctx context.Context, w *pool.Webhook, m message) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(m.Body))
	if err != nil {
		return errors.New("the URL is not valid")
	}
	now := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "scanlogin")
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", w.Sign(m.ID, now, []byte(m.Body)))
	resp, err := p.client.Do(req)
	if err != nil {
		return describe(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxResponse) // errors do not matter
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGone:
		return errGone
	}
	return &statusError{resp.StatusCode, retryAfter(resp.Header, now)}
}

// retryAfter parses the Retry-After header: a number of seconds or a date (RFC 9110,
// 10.2.3); 0 if it is absent or invalid.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// describe returns err in a form that is safe for the log and for a dead letter: net/http's
// text may contain the URL, in which there may be a secret, or the response.
func describe(err error) error {
	if errors.Is(err, safehttp.ErrNotPublic) {
		return fmt.Errorf("%w, and the pool's webhook has no allow_private", safehttp.ErrNotPublic)
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("no response within %v", attemptTimeout)
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("the host name is not found: %s", lookup.Err)
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the certificate is not valid: %w", certificate.Err)
	}
	if call, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("cannot %s: %w", call.Op, call.Err)
	}
	return errors.New("the connection broke, or the response is not HTTP")
}
