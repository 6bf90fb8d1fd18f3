package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	timeFormat = "2006-01-02T15:04:05.000Z07:00" // RFC 3339
	// hashBytes is the length of a hash: 64 bits tell apart what a trail has
	// in years.
	hashBytes = 8
	// maxField bounds each value in bytes; a user's id has at most 255.
	maxField = 256
)

// record is one line.
type record struct {
	Time  string `json:"time"` // by the store's clock
	Event string `json:"event"`
	Pool  string `json:"pool,omitempty"`
	// Code names the code by a hash: who reads a trail shall not be able to
	// watch a code that lives. Nobody can guess a code's random, so the hash
	// needs no key, and who has the random finds the lines about it.
	Code        string `json:"code,omitempty"`
	User        string `json:"user,omitempty"`
	Admin       string `json:"admin,omitempty"`   // name of the administrator
	Address     string `json:"address,omitempty"` // one of the two
	AddressHash string `json:"addressHash,omitempty"`
	Agent       string `json:"agent,omitempty"` // User-Agent, of a code that was made
	Request     string `json:"request,omitempty"`
	Call        string `json:"call,omitempty"`   // that was refused
	Reason      string `json:"reason,omitempty"` // why
	Count       int64  `json:"count,omitempty"`  // of lines that were dropped before this one
}

// appendTo appends the line. It is printable ASCII whatever is in the values:
// what looks like the end of a line, moves a terminal's cursor or turns the
// direction of writing is escaped.
func (r record) appendTo(lines []byte) []byte {
	for _, field := range []*string{&r.Pool, &r.User, &r.Admin, &r.Address, &r.Agent, &r.Request, &r.Call, &r.Reason} {
		*field = bounded(*field)
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and a number always have a form
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

// bounded cuts a text at the bound, and marks that it was.
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
