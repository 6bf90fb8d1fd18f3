package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// appAuth is the only scene there is.
const appAuth = "APP_AUTH"

// maxCustomData is the contract's bound in bytes, escapes included: it has to
// fit into a picture that a phone can still read.
const maxCustomData = 512

// payload is the text of a picture in the json format; the order of the keys
// is the contract's.
type payload struct {
	Scene      string          `json:"scene"`
	Random     session.ID      `json:"random"`
	UserPoolID string          `json:"userPoolId"`
	CreatedAt  string          `json:"createdAt"`
	ExpiresIn  int             `json:"expiresIn"` // seconds
	ExpireAt   string          `json:"expireAt"`
	CustomData json.RawMessage `json:"customData"`
}

// pictureText is what the picture of a new code says, for ever.
func (s *Server) pictureText(p *pool.Pool, code session.Session) (string, error) {
	if p.PayloadFormat == pool.PayloadURL {
		if p.AppLink != "" {
			return appLink(p, code.ID), nil
		}
		return s.linkPrefix() + string(code.ID), nil
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // custom data stays as long as it was measured
	err := e.Encode(payload{
		Scene: appAuth, Random: code.ID, UserPoolID: p.ID,
		CreatedAt: session.FormatTime(code.CreatedAt), ExpireAt: session.FormatTime(code.ExpiresAt),
		ExpiresIn:  wholeSeconds(code.ExpiresAt.Sub(code.CreatedAt)),
		CustomData: json.RawMessage(code.CustomData),
	})
	if err != nil {
		return "", fmt.Errorf("picture text: %w", err)
	}
	return escapeASCII(bytes.TrimSpace(text.Bytes())), nil
}

// appLink is the address that opens the pool's app with a code; "" if it has
// none.
func appLink(p *pool.Pool, id session.ID) string {
	return strings.ReplaceAll(p.AppLink, pool.RandomInLink, string(id))
}

func (s *Server) linkPrefix() string { return s.publicURL + "/s/" }

// escapeASCII escapes whatever in a JSON text is not ASCII: scanners read raw
// UTF-8 as they please.
func escapeASCII(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}

// customData returns a gene request's custom data as it goes into the picture,
// "{}" if there is none: the first field that has some.
func (r geneRequest) customData() (string, error) {
	for _, field := range []struct {
		name  string
		value json.RawMessage
	}{{"customData", r.CustomData}, {"params", r.Params}, {"customeData", r.CustomeData}} {
		value := bytes.TrimSpace(field.value)
		if len(value) > 0 && value[0] == '"' && field.name == "customeData" {
			value = objectIn(value)
		} else if len(value) > 0 && value[0] != '{' && string(value) != "null" {
			return "", malformed(field.name, "must be an object", "必须是对象")
		}
		if s := string(value); s == "" || s == "null" || s == `""` {
			continue
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			return "", malformed(field.name, "is not valid JSON", "不是合法的 JSON")
		}
		if compact.String() == "{}" {
			continue
		}
		text := escapeASCII(compact.Bytes())
		if len(text) > maxCustomData {
			return "", malformed(field.name, fmt.Sprintf("must have at most %d bytes", maxCustomData), fmt.Sprintf("不能超过 %d 字节", maxCustomData))
		}
		return text, nil
	}
	return "{}", nil
}

// objectIn returns the JSON object that a JSON string holds, as some SDKs send
// it, or else the string.
func objectIn(text json.RawMessage) json.RawMessage {
	var inside string
	if json.Unmarshal(text, &inside) != nil {
		return text
	}
	if in := strings.TrimSpace(inside); strings.HasPrefix(in, "{") && json.Valid([]byte(in)) {
		return json.RawMessage(in)
	}
	return text
}

// readCode returns the code that a phone means: its id, or the whole text of
// its picture in any format. session.ErrNotFound if it can be none.
func (s *Server) readCode(text string) (session.ID, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		var in struct {
			Random string `json:"random"`
		}
		if json.Unmarshal([]byte(text), &in) != nil {
			return "", session.ErrNotFound
		}
		return session.ParseID(in.Random)
	}
	if id, err := session.ParseID(text); err == nil {
		return id, nil
	}
	for _, p := range s.pools.All() {
		if id, ok := idInLink(text, p.AppLink); ok {
			return id, nil
		}
	}
	if rest, ok := strings.CutPrefix(text, s.linkPrefix()); ok {
		return session.ParseID(untilQuery(rest))
	}
	return "", session.ErrNotFound
}

// idInLink returns the code that text names, if it is link filled in.
func idInLink(text, link string) (session.ID, bool) {
	before, after, ok := strings.Cut(link, pool.RandomInLink)
	rest, begins := strings.CutPrefix(text, before)
	if !ok || !begins || len(rest) < session.IDLength || !strings.HasPrefix(rest[session.IDLength:], after) {
		return "", false
	}
	id, err := session.ParseID(rest[:session.IDLength])
	return id, err == nil
}

// untilQuery cuts what phones and messengers append to an address.
func untilQuery(text string) string {
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		return text[:i]
	}
	return text
}
