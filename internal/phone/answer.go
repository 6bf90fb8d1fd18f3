package phone

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
)

// Scan is the answer to a scan, with the names of docs/api.md. Values that are not known are zero.
type Scan struct {
	Random     string          `json:"random"`
	Pool       Pool            `json:"pool"`
	Browser    Browser         `json:"browser"`
	Consent    Consent         `json:"consent"`
	Match      string          `json:"match,omitempty"`  // "digits": confirm needs the number on the page
	StepUp     *StepUp         `json:"stepUp,omitempty"` // confirm would refuse the current token
	Device     *Device         `json:"device,omitempty"` // that asks, instead of a page
	Client     *Client         `json:"client,omitempty"` // that the user logs in to
	CustomData json.RawMessage `json:"customData"`       // untrusted
}

// Client is the application that the user logs in to, with the account of the pool.
type Client struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Device is the device that asks (RFC 8628). The user compares the code with the one that it shows.
type Device struct {
	Client   string `json:"client"`   // name of the application
	UserCode string `json:"userCode"` // as "WDJB-MJHT"
}

// Pool is the user pool of the login.
type Pool struct {
	Name string `json:"name"`
	Logo string `json:"logo,omitempty"`
}

// Browser is the browser that asks, as it describes itself.
type Browser struct {
	Browser   string `json:"browser"`
	OS        string `json:"os"`
	IP        string `json:"ip"`
	UserAgent string `json:"userAgent"`
	CreatedAt string `json:"createdAt"`
	Place     string `json:"place,omitempty"`
	Country   string `json:"country,omitempty"`
}

// Consent contains the known details of the login.
type Consent struct {
	Verdict      string   `json:"verdict"` // "ok", "careful" or "block"; others become "careful"
	Reasons      []Reason `json:"reasons"`
	Age          float64  `json:"age"` // seconds since the page requested the code
	SameNetwork  *bool    `json:"sameNetwork,omitempty"`
	SameCountry  *bool    `json:"sameCountry,omitempty"`
	KnownBrowser *bool    `json:"knownBrowser,omitempty"`
	CodesLately  *float64 `json:"codesLately,omitempty"`
}

// Reason says why a user should be careful.
type Reason struct {
	Name string `json:"name"` // for programs
	Text string `json:"text"` // for the user
}

// StepUp contains the requirements for the user's token (RFC 9470).
type StepUp struct {
	MaxAge    *float64 `json:"maxAge,omitempty"` // seconds
	ACRValues []string `json:"acrValues,omitempty"`
	AMR       []string `json:"amr,omitempty"`
}

// Answer is a response of the server or of something before it.
type Answer struct {
	Status     int
	RetryAfter string // the header; "" if there is none
	Body       []byte
}

// AnswerOf returns a response whose body was read.
func AnswerOf(resp *http.Response, body []byte) Answer {
	return Answer{Status: resp.StatusCode, RetryAfter: resp.Header.Get("Retry-After"), Body: body}
}

// Data returns the data of a success, or a [*Refusal].
func (a Answer) Data() (json.RawMessage, error) {
	var envelope map[string]json.RawMessage
	_ = json.Unmarshal(a.Body, &envelope) // a body without an envelope is refused
	if code, ok := number(envelope["code"]); ok && code == http.StatusOK && isObject(envelope["data"]) && a.Status < 300 {
		return envelope["data"], nil
	}
	return nil, a.refusal(envelope)
}

var errUnusable = errors.New("the answer lacks fields that it must have")

var knownStatuses = map[string]float64{"scanned": 1, "confirm": 2, "cancel": 3}

// ReadScan returns an answer to a scan. Errors: a [*Refusal] of [UnexpectedResponse] if required fields are missing.
func ReadScan(data json.RawMessage) (Scan, error) {
	d := fields(data)
	random, isRandom := text(d["random"])
	status, _ := number(d["status"])
	match, hasMatch := text(d["match"])
	if !isRandom || !isID(random) || status != knownStatuses["scanned"] || d["match"] != nil && (!hasMatch || match != "digits") {
		return Scan{}, &Refusal{Kind: UnexpectedResponse, cause: errUnusable}
	}
	s := Scan{Random: random, Match: match, CustomData: d["customData"]}
	if isNull(s.CustomData) {
		s.CustomData = json.RawMessage("{}")
	}
	if isObject(d["stepUp"]) {
		s.StepUp = readStepUp(d["stepUp"])
	}
	if d["client"] != nil {
		s.Client = new(Client)
		if !s.Client.read(fields(d["client"])) {
			return Scan{}, &Refusal{Kind: UnexpectedResponse, cause: errUnusable}
		}
	}
	if d["device"] != nil {
		s.Device = new(Device)
		if !s.Device.read(fields(d["device"])) {
			return Scan{}, &Refusal{Kind: UnexpectedResponse, cause: errUnusable}
		}
	}
	if !s.Pool.read(fields(d["pool"])) || !s.Browser.read(fields(d["browser"])) || !s.Consent.read(fields(d["consent"])) {
		return Scan{}, &Refusal{Kind: UnexpectedResponse, cause: errUnusable}
	}
	return s, nil
}

func (p *Pool) read(f map[string]json.RawMessage) (ok bool) {
	p.Name, ok = text(f["name"])
	p.Logo, _ = text(f["logo"])
	return ok
}

func (c *Client) read(f map[string]json.RawMessage) bool {
	var hasID, hasName bool
	c.ID, hasID = text(f["id"])
	c.Name, hasName = text(f["name"])
	return hasID && hasName
}

func (d *Device) read(f map[string]json.RawMessage) bool {
	var hasClient, hasCode bool
	d.Client, hasClient = text(f["client"])
	d.UserCode, hasCode = text(f["userCode"])
	return hasClient && hasCode
}

func (b *Browser) read(f map[string]json.RawMessage) bool {
	b.Place, _ = text(f["place"])
	b.Country, _ = text(f["country"])
	for name, field := range map[string]*string{"browser": &b.Browser, "os": &b.OS, "ip": &b.IP, "userAgent": &b.UserAgent, "createdAt": &b.CreatedAt} {
		value, ok := text(f[name])
		if !ok {
			return false
		}
		*field = value
	}
	return true
}

func (c *Consent) read(f map[string]json.RawMessage) bool {
	verdict, hasVerdict := text(f["verdict"])
	age, hasAge := number(f["age"])
	reasons, hasReasons := list(f["reasons"])
	if !hasVerdict || !hasAge || !hasReasons {
		return false
	}
	if verdict != "ok" && verdict != "block" {
		verdict = "careful"
	}
	*c = Consent{Verdict: verdict, Age: age, Reasons: make([]Reason, len(reasons))}
	for i, value := range reasons {
		name, hasName := text(fields(value)["name"])
		shown, hasText := text(fields(value)["text"])
		if !hasName || !hasText {
			return false
		}
		c.Reasons[i] = Reason{name, shown}
	}
	c.SameNetwork, c.SameCountry, c.KnownBrowser = flag(f["sameNetwork"]), flag(f["sameCountry"]), flag(f["knownBrowser"])
	c.CodesLately = numberOrNil(f["codesLately"])
	return true
}

func readStepUp(value json.RawMessage) *StepUp {
	f := fields(value)
	return &StepUp{MaxAge: numberOrNil(f["maxAge"]), ACRValues: texts(f["acrValues"]), AMR: texts(f["amr"])}
}

var wholeSeconds = regexp.MustCompile(`^[0-9]{1,6}$`)

// wait returns Retry-After in seconds, or missing.
func (a Answer) wait(missing int) int {
	if !wholeSeconds.MatchString(a.RetryAfter) {
		return missing
	}
	seconds, _ := strconv.Atoi(a.RetryAfter)
	return seconds
}
