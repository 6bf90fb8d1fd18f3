package names

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// addDerived adds what is derived from fixed secrets, which shows the labels: with another
// label, tickets and browser keys of open codes would be invalid while nodes are updated,
// and rate limits would start again.
func addDerived(t *testing.T, names found) {
	t.Helper()
	p := &pool.Pool{ID: "p1", Secret: pool.NewSecret("a secret that never changes, for known answers")}
	code := session.Session{
		ID: "0123456789abcdefghijABCDEFGHIJ", Pool: "p1", SecretID: p.Secret.ID(), Salt: []byte("0123456789abcdef"), Match: session.MatchDigits,
	}
	names.add("derived", "secret id", p.Secret.ID())
	names.add("derived", "ticket", p.Ticket(code))
	atClient := code
	atClient.Grant = session.GrantAuthorizationCode
	names.add("derived", "authorization code", p.AuthorizationCode(atClient))
	names.add("derived", "sid", p.SID(atClient))
	names.add("derived", "device code", p.DeviceCode(code))
	names.add("derived", "browser key", p.BrowserKey(code))
	names.add("derived", "token id", p.TokenID(code))
	names.add("derived", "match code", p.MatchCode(code))
	names.add("derived", "typed code", p.TypedCode(code, 0), "then", p.TypedCode(code, 1))
	names.add("derived", "name of a typed code", p.TypedName(code, "WDJB-MJHT"))
	names.add("derived", "pseudonym", p.Pseudonym("user", "alice"))
	names.add("derived", "pseudonym without a pool", pool.NewRegistry(p).Pseudonym("user", "alice"))
	key, err := pool.ParseWebhookKey("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=")
	if err != nil {
		t.Fatal(err)
	}
	hook := pool.Webhook{Keys: []pool.WebhookKey{key}}
	names.add("derived", "webhook signature", hook.Sign("msg_1", time.Unix(1700000000, 0), []byte("{}")))
	addAudit(t, names)
}

// auditQueue is more than the audit trail keeps for its file.
const auditQueue = 10000

// addAudit adds the hashes of an audit trail, and its line about dropped lines.
func addAudit(t *testing.T, names found) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "audit.log")
	trail, err := audit.Open(audit.Options{File: file, HashAddresses: true, HashKey: []byte("a key that never changes, for known answers")})
	if err != nil {
		t.Fatal(err)
	}
	event := session.Event{Kind: session.EventScanned, Pool: "p1", IP: "192.0.2.1", Code: session.Session{ID: "0123456789abcdefghijABCDEFGHIJ"}}
	for range auditQueue {
		trail.Observe(event)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	trail.Run(ctx)
	for _, line := range readLines(t, file) {
		if line["event"] == string(session.EventScanned) {
			names.add("derived", "code in the audit trail", fmt.Sprint(line["code"]))
			names.add("derived", "address in the audit trail", fmt.Sprint(line["addressHash"]))
		}
		names.addAuditLine(line)
	}
}

// readLines returns the lines of an audit trail.
func readLines(t *testing.T, file string) (lines []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, fields)
	}
	return lines
}

// addAuditLine adds the fields of a line of an audit trail.
func (f found) addAuditLine(line map[string]any) {
	for field := range line {
		f.add("audit event", fmt.Sprint(line["event"]), field)
	}
}

// formToken returns the token in the console's forms: the HMAC of a fixed label under the
// cookie of the session.
func formToken(cookie string) string {
	h := hmac.New(sha256.New, []byte(cookie))
	h.Write([]byte("scanlogin console form"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
