package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
)

// maxCustomData is the contract's bound in bytes, escapes included: it has to
// fit into a picture that a phone can still read.
const maxCustomData = 512

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
		text := login.EscapeASCII(compact.Bytes())
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
