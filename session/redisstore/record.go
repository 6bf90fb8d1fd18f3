package redisstore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Fields of a record besides state and fixed. A code without a user has neither.
const (
	fieldShown = "shown" // what snapshots show of the user: members of a JSON object, each after a comma
	fieldRest  = "rest"  // the rest of the user, as JSON; "" if there is none
)

// noRest is the JSON of a user without rest.
const noRest = `{"id":""}`

// state is a record's field state. Scripts read and write it, by the names of session.Field.
// Times are in ms of Unix time.
type state struct {
	Version     int64          `json:"version,string"`
	Op          session.OpID   `json:"op"`
	ExpiresAt   int64          `json:"expiresAt,string"`
	Status      session.Status `json:"status,string"`
	UserID      string         `json:"userId,omitempty"`
	Mismatches  int            `json:"mismatches,omitempty,string"`
	ScannedAt   int64          `json:"scannedAt,omitempty,string"`
	ConfirmedAt int64          `json:"confirmedAt,omitempty,string"`
	ScanQueued  string         `json:"scanQueued,omitempty"`
	Pool        string         `json:"pool"`
	SecretID    string         `json:"secretId"`
	Credential  string         `json:"credential,omitempty"` // see stateText
	Challenge   string         `json:"challenge,omitempty"`
	Match       session.Match  `json:"match,omitempty"`
	Auth        string         `json:"auth,omitempty"` // see session.ParseAuth
}

// fixed is a record's field of this name: what never changes and no guard compares. Steps do not
// send or encode it. The payload, which is as fixed, is a field of its own: it is JSON itself,
// and in JSON each of its quotes would be two bytes.
type fixed struct {
	CustomData  string         `json:"customData,omitempty"`
	Client      session.Client `json:"client,omitzero"`
	Salt        []byte         `json:"salt"`
	CookieHash  []byte         `json:"cookieHash,omitempty"`
	BrowserHash []byte         `json:"browserHash,omitempty"`
	Count       int            `json:"count"`
	Trace       string         `json:"trace,omitempty"`
	StepUp      session.StepUp `json:"stepUp,omitzero"`
	CreatedAt   int64          `json:"createdAt"` // Unix time, ms

	Authorization session.Authorization `json:"authorization,omitzero"`
}

// stateText returns the text that state has for the value of a field: that of the credential is
// binary.
func stateText(f session.Field, value string) string {
	if f != session.FieldCredential {
		return value
	}
	grant, hash, _ := strings.Cut(value, ":")
	return grant + ":" + base64.RawStdEncoding.EncodeToString([]byte(hash))
}

// encodeNew returns the fields state and fixed of a new session, which has no user.
func encodeNew(s session.Session) (stateJSON, fixedJSON []byte, err error) {
	st := state{
		Version: s.Version, Op: s.Op, ExpiresAt: s.ExpiresAt.UnixMilli(), Status: s.Status,
		Pool: s.Pool, SecretID: s.SecretID, Challenge: s.Challenge, Match: s.Match,
	}
	if text := s.Text(session.FieldCredential); text != "" {
		st.Credential = stateText(session.FieldCredential, text)
	}
	if stateJSON, err = encode(st); err != nil {
		return nil, nil, err
	}
	fixedJSON, err = encode(fixed{
		CustomData: s.CustomData, Client: s.Client, Salt: s.Salt, CookieHash: s.CookieHash, BrowserHash: s.BrowserHash,
		Count: s.Count, Trace: s.Trace, StepUp: s.StepUp, CreatedAt: s.CreatedAt.UnixMilli(), Authorization: s.Authorization,
	})
	return stateJSON, fixedJSON, err
}

var errRecord = errors.New("not a record of this version")

// decode returns the session with this id from the fields that a script returned.
func decode(id session.ID, values []any) (session.Session, error) {
	var texts [5]string // state, shown, rest, fixed, payload
	if len(values) < len(texts) {
		return session.Session{}, errRecord
	}
	for i := range texts {
		texts[i], _ = values[i].(string)
	}
	var st state
	var f fixed
	errState, errFixed := members(texts[0], st.set), members(texts[3], f.set)
	user, errUser := decodeUser(texts[1], texts[2])
	grant, hash, errHash := st.credential()
	var errAuth error
	user.Auth, errAuth = session.ParseAuth(st.Auth)
	if err := errors.Join(errState, errFixed, errUser, errHash, errAuth); err != nil || st.Version < 1 {
		return session.Session{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	return session.Session{
		ID: id, Pool: st.Pool, Version: st.Version, Op: st.Op, Status: st.Status, User: user,
		Payload: texts[4], CustomData: f.CustomData, Client: f.Client,
		Salt: f.Salt, SecretID: st.SecretID, Grant: grant, GrantHash: hash, BrowserHash: f.BrowserHash, CookieHash: f.CookieHash,
		Authorization: f.Authorization,
		Challenge:     st.Challenge, Count: f.Count, Match: st.Match, Mismatches: st.Mismatches, Trace: f.Trace, StepUp: f.StepUp, ScanQueued: st.ScanQueued != "",
		CreatedAt: at(f.CreatedAt), ScannedAt: at(st.ScannedAt), ConfirmedAt: at(st.ConfirmedAt), ExpiresAt: at(st.ExpiresAt),
	}, nil
}

func (st state) credential() (session.Grant, []byte, error) {
	grant, text, ok := strings.Cut(st.Credential, ":")
	if !ok {
		return "", nil, nil
	}
	hash, err := base64.RawStdEncoding.DecodeString(text)
	return session.Grant(grant), hash, err
}

// set sets the field of a name in JSON.
func (st *state) set(name, value string) (err error) {
	switch name {
	case "version":
		st.Version, err = number(value)
	case "op":
		st.Op = operation(value)
	case "expiresAt":
		st.ExpiresAt, err = number(value)
	case "status":
		st.Status, err = status(value)
	case "userId":
		st.UserID = value
	case "mismatches":
		st.Mismatches, err = strconv.Atoi(value)
	case "scannedAt":
		st.ScannedAt, err = number(value)
	case "confirmedAt":
		st.ConfirmedAt, err = number(value)
	case "scanQueued":
		st.ScanQueued = value
	case "pool":
		st.Pool = value
	case "secretId":
		st.SecretID = value
	case "credential":
		st.Credential = value
	case "challenge":
		st.Challenge = value
	case "match":
		st.Match = session.Match(value)
	case "auth":
		st.Auth = value
	}
	return err
}

// set sets the field of a name in JSON.
func (f *fixed) set(name, value string) (err error) {
	switch name {
	case "customData":
		f.CustomData = value
	case "client":
		err = members(value, f.setClient)
	case "salt":
		f.Salt, err = base64.StdEncoding.DecodeString(value)
	case "cookieHash":
		f.CookieHash, err = base64.StdEncoding.DecodeString(value)
	case "browserHash":
		f.BrowserHash, err = base64.StdEncoding.DecodeString(value)
	case "count":
		f.Count, err = strconv.Atoi(value)
	case "trace":
		f.Trace = value
	case "stepUp":
		err = json.Unmarshal([]byte(value), &f.StepUp)
	case "createdAt":
		f.CreatedAt, err = number(value)
	case "authorization":
		err = json.Unmarshal([]byte(value), &f.Authorization)
	}
	return err
}

func (f *fixed) setClient(name, value string) error {
	switch name {
	case "ip":
		f.Client.IP = value
	case "userAgent":
		f.Client.UserAgent = value
	}
	return nil
}

// operation returns the operation in a text. The bus and the hub keep it as long as a page waits, and so must
// not keep the text of the whole record or announcement.
func operation(text string) session.OpID { return session.OpID(strings.Clone(text)) }

func number(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

func status(text string) (session.Status, error) {
	n, err := strconv.ParseInt(text, 10, 8)
	return session.Status(n), err
}

// at returns the time of ms, zero for 0.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// shown is the part of a user that snapshots show, with the keys of session.Snapshot.
type shown struct {
	UserID   string `json:"u,omitempty"`
	Nickname string `json:"n,omitempty"`
	Photo    string `json:"p,omitempty"`
}

// set sets the field of a name in JSON.
func (s *shown) set(name, value string) {
	switch name {
	case "u":
		s.UserID = value
	case "n":
		s.Nickname = value
	case "p":
		s.Photo = value
	}
}

// encodeUser returns the values of fieldShown and fieldRest.
func encodeUser(u session.User) (shownText, rest string, err error) {
	text, err := encode(shown{u.ID, u.Nickname, u.Photo})
	if err != nil {
		return "", "", err
	}
	if shownText = strings.TrimSuffix(strings.TrimPrefix(string(text), "{"), "}"); shownText != "" {
		shownText = "," + shownText
	}
	u.ID, u.Nickname, u.Photo, u.Auth = "", "", "", session.Auth{}
	if text, err = encode(u); string(text) == noRest {
		return shownText, "", err
	}
	return shownText, string(text), err
}

func decodeUser(shownText, rest string) (u session.User, err error) {
	if shownText == "" {
		return u, nil
	}
	var s shown
	err = members("{"+shownText[1:]+"}", func(name, value string) error { s.set(name, value); return nil })
	if err != nil {
		return u, err
	}
	if rest != "" {
		d := json.NewDecoder(strings.NewReader(rest))
		d.UseNumber() // keeps a claim's number as it is
		err = d.Decode(&u)
	}
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
