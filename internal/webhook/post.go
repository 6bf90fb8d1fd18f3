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
	// attemptTime is for all of an attempt, from the lookup of the name to the
	// answer's last byte.
	attemptTime = 10 * time.Second
	// mostAnswer is how much of an answer is read, so that the connection can be
	// used again. Nothing looks at it.
	mostAnswer = 16 << 10 // bytes
)

// caller calls one pool's receiver.
type caller struct {
	transport *http.Transport
	client    *http.Client
}

// newCaller makes a caller that asks mayBePrivate for each connection.
func newCaller(mayBePrivate func() bool) *caller {
	transport := safehttp.Transport(func(addr netip.Addr) error {
		if mayBePrivate() {
			return nil
		}
		return safehttp.Public(addr)
	})
	return &caller{transport, &http.Client{Transport: transport, CheckRedirect: safehttp.NoRedirects}}
}

func (c *caller) close() { c.transport.CloseIdleConnections() }

// errGone is a receiver's word that it wants no more of this.
var errGone = errors.New("the receiver answers 410: it wants no more")

// laterError is a receiver's word on when to come again.
type laterError struct {
	status int
	after  time.Duration
}

func (e *laterError) Error() string { return fmt.Sprintf("the receiver answers %d", e.status) }

// post sends a message once; nil means that the receiver answered with 2xx. The
// error says nothing of the address but where it leads, nothing of the answer
// but its status, and nothing of the message.
func (c *caller) post(ctx context.Context, w *pool.Webhook, m message) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(m.Body))
	if err != nil {
		return errors.New("the address is none")
	}
	now := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "scanlogin")
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", w.Sign(m.ID, now, []byte(m.Body)))
	resp, err := c.client.Do(req)
	if err != nil {
		return reason(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer) // whatever it says, and if it ends
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGone:
		return errGone
	}
	return &laterError{resp.StatusCode, retryAfter(resp.Header, now)}
}

// retryAfter reads when a receiver wants to be asked again: a number of seconds
// or a date (RFC 9110, 10.2.3); 0 if it does not say.
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

// reason is err in the words that are fit for a log and for a dead letter:
// net/http's own may quote the address, where a secret may stand, or the answer.
func reason(err error) error {
	if errors.Is(err, safehttp.ErrNotPublic) {
		return fmt.Errorf("%w, and the pool's webhook has no allow_private", safehttp.ErrNotPublic)
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("no answer within %v", attemptTime)
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("the name is not found: %s", lookup.Err)
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("its certificate is not good: %w", certificate.Err)
	}
	if call, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("cannot %s: %w", call.Op, call.Err)
	}
	return errors.New("the connection broke, or what came was no HTTP answer")
}
