package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// hashBytes is the length of a hash: 64 bits are enough to avoid collisions within
	// years of a trail.
	hashBytes = 8
	// maxField bounds each value, in bytes. A user's id has at most 255.
	maxField = 256
)

// record is a line of the trail.
type record struct {
	Time  string `json:"time"` // by the store's clock
	Event string `json:"event"`
	Pool  string `json:"pool,omitempty"`
	// Code is a hash of the code's id, so that a reader of the trail cannot watch an open
	// code. The id cannot be guessed, so the hash needs no key, and the lines of a known
	// code can be found.
	Code        string `json:"code,omitempty"`
	Client      string `json:"client,omitempty"` // id of the OAuth client
	User        string `json:"user,omitempty"`
	Admin       string `json:"admin,omitempty"`   // name of the administrator
	Address     string `json:"address,omitempty"` // this or AddressHash
	AddressHash string `json:"addressHash,omitempty"`
	Agent       string `json:"agent,omitempty"` // User-Agent, for made
	Request     string `json:"request,omitempty"`
	Call        string `json:"call,omitempty"`   // for refused: the call
	Reason      string `json:"reason,omitempty"` // for refused: the reason
	Count       int64  `json:"count,omitempty"`  // for dropped: the number of missing lines
}

// appendTo appends the line. It is printable ASCII whatever the values contain: line breaks,
// terminal controls and bidirectional controls are escaped.
func (r record) appendTo(lines []byte) []byte {
	for _, field := range []*string{&r.Pool, &r.Client, &r.User, &r.Admin, &r.Address, &r.Agent, &r.Request, &r.Call, &r.Reason} {
		*field = bounded(*field)
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and numbers cannot fail
	}
	for _, c := range string(text) {
		if c < 0x7f {
			lines = utf8.AppendRune(lines, c)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, c) {
			lines = fmt.Appendf(lines, `\u%04x`, unit)
		}
	}
	return append(lines, '\n')
}

// bounded truncates text to maxField and appends an ellipsis.
func bounded(text string) string {
	if len(text) <= maxField {
		return text
	}
	end := maxField
	for end > maxField-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end]) + "…"
}
