package redisstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Fields of a record that are not a session.Field. A field without a value is not stored.
const (
	fieldVersion = "version"
	fieldFixed   = "fixed" // the part that never changes and that no guard compares, as JSON
	fieldShown   = "shown" // what snapshots show of the user: members of a JSON object, each after a comma
)

// recordFields are the fields of a record, in the order of the scripts' answers. The scripts
// name the first three.
var recordFields = [...]string{
	fieldVersion, string(session.FieldOp), string(session.FieldExpiresAt),
	string(session.FieldStatus), string(session.FieldUserID), fieldShown, string(session.FieldUser), string(session.FieldMismatches),
	string(session.FieldScannedAt), string(session.FieldConfirmedAt), string(session.FieldScanQueued),
	string(session.FieldPool), string(session.FieldSecretID), string(session.FieldCredential),
	string(session.FieldChallenge), string(session.FieldMatch), fieldFixed,
}

// fixed is the content of fieldFixed. Steps do not send or encode it.
type fixed struct {
	Payload     string         `json:"payload"`
	CustomData  string         `json:"customData,omitempty"`
	Client      session.Client `json:"client,omitzero"`
	Salt        []byte         `json:"salt"`
	CookieHash  []byte         `json:"cookieHash,omitempty"`
	BrowserHash []byte         `json:"browserHash,omitempty"`
	Count       int            `json:"count"`
	Trace       string         `json:"trace,omitempty"`
	CreatedAt   int64          `json:"createdAt"` // Unix time, ms
}

// newRecord returns the fields and values of a new session, which has no user.
func newRecord(s session.Session) ([]any, error) {
	text, err := encode(fixed{
		Payload: s.Payload, CustomData: s.CustomData, Client: s.Client, Salt: s.Salt, CookieHash: s.CookieHash, BrowserHash: s.BrowserHash,
		Count: s.Count, Trace: s.Trace, CreatedAt: s.CreatedAt.UnixMilli(),
	})
	if err != nil {
		return nil, err
	}
	record := []any{ // in the order that create.lua requires
		fieldVersion, s.Version, string(session.FieldOp), string(s.Op),
		string(session.FieldExpiresAt), s.ExpiresAt.UnixMilli(), fieldFixed, text,
	}
	for _, f := range [...]session.Field{
		session.FieldStatus, session.FieldPool, session.FieldSecretID, session.FieldCredential, session.FieldChallenge, session.FieldMatch,
	} {
		if value := s.Text(f); value != "" {
			record = append(record, string(f), value)
		}
	}
	return record, nil
}

var errRecord = errors.New("not a record of this version")

// decode returns the session with this id from the values of recordFields.
func decode(id session.ID, values []any) (session.Session, error) {
	if len(values) != len(recordFields) {
		return session.Session{}, errRecord
	}
	fields := make(map[string]string, len(values))
	for i, v := range values {
		fields[recordFields[i]], _ = v.(string)
	}
	var f fixed
	if err := json.Unmarshal([]byte(fields[fieldFixed]), &f); err != nil {
		return session.Session{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	user, err := decodeUser(fields[fieldShown], fields[string(session.FieldUser)])
	if err != nil {
		return session.Session{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	get := func(f session.Field) string { return fields[string(f)] }
	grant, hash, _ := strings.Cut(get(session.FieldCredential), ":")
	s := session.Session{
		ID: id, Pool: get(session.FieldPool), Op: session.OpID(get(session.FieldOp)), User: user,
		Payload: f.Payload, CustomData: f.CustomData, Client: f.Client, Salt: f.Salt,
		SecretID: get(session.FieldSecretID), Grant: session.Grant(grant), BrowserHash: f.BrowserHash, CookieHash: f.CookieHash,
		Challenge: get(session.FieldChallenge), Count: f.Count, Match: session.Match(get(session.FieldMatch)), Trace: f.Trace,
		ScanQueued: get(session.FieldScanQueued) != "",
		CreatedAt:  time.UnixMilli(f.CreatedAt).UTC(),
	}
	if hash != "" {
		s.GrantHash = []byte(hash)
	}
	return s, decodeNumbers(&s, fields)
}

// decodeNumbers sets the version, the status, the count and the times of s.
func decodeNumbers(s *session.Session, fields map[string]string) error {
	var failed error
	number := func(name string, optional bool) int64 {
		text := fields[name]
		if text == "" && optional {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			failed = fmt.Errorf("%w: %s: %w", errRecord, name, err)
		}
		return n
	}
	at := func(f session.Field, optional bool) (t time.Time) {
		if ms := number(string(f), optional); ms != 0 {
			t = time.UnixMilli(ms).UTC()
		}
		return t
	}
	s.Version = number(fieldVersion, false)
	s.Status = session.Status(number(string(session.FieldStatus), false)) // #nosec G115 -- written by a transition
	s.Mismatches = int(number(string(session.FieldMismatches), true))
	s.ScannedAt, s.ConfirmedAt = at(session.FieldScannedAt, true), at(session.FieldConfirmedAt, true)
	s.ExpiresAt = at(session.FieldExpiresAt, false)
	if failed == nil && s.Version < 1 {
		failed = fmt.Errorf("%w: version %d", errRecord, s.Version)
	}
	return failed
}

// shown is the part of a user that snapshots show, with the keys of session.Snapshot.
type shown struct {
	UserID   string `json:"u,omitempty"`
	Nickname string `json:"n,omitempty"`
	Photo    string `json:"p,omitempty"`
}

// encodeUser returns the values of fieldShown and session.FieldUser, which has the rest.
func encodeUser(u session.User) (members, rest string, err error) {
	text, err := encode(shown{u.ID, u.Nickname, u.Photo})
	if err != nil {
		return "", "", err
	}
	if members = strings.TrimSuffix(strings.TrimPrefix(string(text), "{"), "}"); members != "" {
		members = "," + members
	}
	u.ID, u.Nickname, u.Photo = "", "", ""
	text, err = encode(u)
	return members, string(text), err
}

func decodeUser(members, rest string) (u session.User, err error) {
	if members == "" {
		return u, nil
	}
	var s shown
	if err := json.Unmarshal([]byte("{"+members[1:]+"}"), &s); err != nil {
		return u, err
	}
	d := json.NewDecoder(strings.NewReader(rest))
	d.UseNumber() // keeps a claim's number as it is
	err = d.Decode(&u)
	u.ID, u.Nickname, u.Photo = s.UserID, s.Nickname, s.Photo
	return u, err
}

// encode is json.Marshal without HTML escapes, which would turn one byte chosen by a
// browser into six. Decoders accept both.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
