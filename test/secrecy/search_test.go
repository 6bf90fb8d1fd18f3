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

// needle is a secret that is looked for.
type needle struct{ name, value string }

// forms are the ways in which a value may turn up. Base64 is looked for in the
// three ways in which the value may fall into it, without what its neighbours
// would change; so `pool:secret` of HTTP Basic is found, too.
func (n needle) forms() map[string]string {
	raw := []byte(n.value)
	quoted, _ := json.Marshal(n.value)
	forms := map[string]string{
		"it is":        n.value,
		"JSON":         strings.Trim(string(quoted), `"`),
		"a query":      url.QueryEscape(n.value),
		"hex":          hex.EncodeToString(raw),
		"upper hex":    strings.ToUpper(hex.EncodeToString(raw)),
		"numbers":      strings.Trim(fmt.Sprint(raw), "[]"),
		"quoted by Go": strings.Trim(fmt.Sprintf("%q", n.value), `"`),
	}
	for skip := range 3 {
		part := raw[skip:]
		part = part[:len(part)/3*3]
		forms[fmt.Sprintf("base64, %d bytes in", skip)] = base64.RawStdEncoding.EncodeToString(part)
		forms[fmt.Sprintf("base64url, %d bytes in", skip)] = base64.RawURLEncoding.EncodeToString(part)
	}
	return forms
}

// in returns the form in which text holds the needle, "" if it does not.
func (n needle) in(text []byte) string {
	for name, form := range n.forms() {
		if bytes.Contains(text, []byte(form)) {
			return name
		}
	}
	return ""
}

// noneIn fails the test for each needle that text holds, without repeating it.
func noneIn(t *testing.T, where string, text []byte, needles []needle) {
	t.Helper()
	if len(text) == 0 {
		t.Errorf("%s is empty: nothing was searched", where)
	}
	for _, n := range needles {
		if form := n.in(text); form != "" {
			t.Errorf("%s holds %s as %s", where, n.name, form)
		}
	}
}

// TestTheSearchFindsEachForm, so that finding nothing means something.
func TestTheSearchFindsEachForm(t *testing.T) {
	n := needle{"a secret", `s3cr3t/+"<value> that & nobody ? may see`}
	basic := base64.StdEncoding.EncodeToString([]byte("pool:" + n.value))
	for _, text := range []string{
		n.value, fmt.Sprintf("%x", n.value), fmt.Sprintf("%X", n.value), fmt.Sprintf("%q", n.value), fmt.Sprint([]byte(n.value)),
		url.QueryEscape(n.value), basic, base64.RawURLEncoding.EncodeToString([]byte("x" + n.value)), base64.StdEncoding.EncodeToString([]byte(n.value)),
	} {
		if n.in([]byte("before "+text+" after")) == "" {
			t.Errorf("not found in %s", text)
		}
	}
	if n.in([]byte("s3cr3t value that nobody may see")) != "" {
		t.Error("found where it is not")
	}
}
