package secrecy

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// needle is a secret to search for.
type needle struct{ name, value string }

// forms returns the encodings in which a value may appear. Base64 has three
// alignments, each without the characters that neighboring bytes change. So
// `pool:secret` of HTTP Basic is found, too.
func (n needle) forms() map[string]string {
	raw := []byte(n.value)
	quoted, _ := json.Marshal(n.value)
	forms := map[string]string{
		"plain text":       n.value,
		"JSON":             strings.Trim(string(quoted), `"`),
		"URL query":        url.QueryEscape(n.value),
		"hex":              hex.EncodeToString(raw),
		"upper-case hex":   strings.ToUpper(hex.EncodeToString(raw)),
		"decimal bytes":    strings.Trim(fmt.Sprint(raw), "[]"),
		"Go string syntax": strings.Trim(fmt.Sprintf("%q", n.value), `"`),
	}
	for skip := range 3 {
		part := raw[skip:]
		part = part[:len(part)/3*3]
		forms[fmt.Sprintf("base64 from byte %d", skip)] = base64.RawStdEncoding.EncodeToString(part)
		forms[fmt.Sprintf("base64url from byte %d", skip)] = base64.RawURLEncoding.EncodeToString(part)
	}
	return forms
}

// findIn returns the encoding in which text contains the needle, "" if it does
// not.
func (n needle) findIn(text []byte) string {
	for name, form := range n.forms() {
		if bytes.Contains(text, []byte(form)) {
			return name
		}
	}
	return ""
}

// expectNone fails the test for each needle that text contains. It does not
// print the needle.
func expectNone(t *testing.T, where string, text []byte, needles []needle) {
	t.Helper()
	if len(text) == 0 {
		t.Errorf("%s is empty: the search proves nothing", where)
	}
	for _, n := range needles {
		if form := n.findIn(text); form != "" {
			t.Errorf("%s contains %s as %s", where, n.name, form)
		}
	}
}

// The other test relies on this search to find every encoding.
func TestSearchFindsEveryEncoding(t *testing.T) {
	n := needle{"a secret", `s3cr3t/+"<value> that & nobody ? may see`}
	basic := base64.StdEncoding.EncodeToString([]byte("pool:" + n.value))
	for _, text := range []string{
		n.value, fmt.Sprintf("%x", n.value), fmt.Sprintf("%X", n.value), fmt.Sprintf("%q", n.value), fmt.Sprint([]byte(n.value)),
		url.QueryEscape(n.value), basic, base64.RawURLEncoding.EncodeToString([]byte("x" + n.value)), base64.StdEncoding.EncodeToString([]byte(n.value)),
	} {
		if n.findIn([]byte("before "+text+" after")) == "" {
			t.Errorf("not found in %s", text)
		}
	}
	if n.findIn([]byte("s3cr3t value that nobody may see")) != "" {
		t.Error("found in a text that does not contain it")
	}
}
