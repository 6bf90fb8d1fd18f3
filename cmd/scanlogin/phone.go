package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/qr"
	"github.com/scanlogin/scanlogin/internal/safefile"
	"github.com/scanlogin/scanlogin/session"
)

type phoneCommand struct {
	Scan    phoneStep `cmd:"" help:"Report that the user scanned the code."`
	Confirm phoneStep `cmd:"" help:"Confirm the login."`
	Cancel  phoneStep `cmd:"" help:"Decline the login."`
}

// phoneStep is one of the three requests of the phone (contract A.4).
type phoneStep struct {
	Server string        `required:"" placeholder:"URL" help:"Public address of the server."`
	Pool   string        `placeholder:"ID" help:"User pool; by default that of the code."`
	Token  config.Secret `required:"" placeholder:"TOKEN" env:"SCANLOGIN_TOKEN" help:"Token of the user. In the environment, other users of the machine cannot see it."`
	Match  string        `name:"match-code" placeholder:"NN" help:"With confirm: the two digits on the page, if the pool requires them."`
	Code   string        `arg:"" help:"Random of the code, text of the picture, or a file with the picture."`
}

const (
	phoneTimeout   = 10 * time.Second // a busy server answers within 2 s; the rest is for the network
	maxAnswerBytes = 1 << 20          // answers have a few kilobytes
)

// Run makes the selected request. It prints the data of the answer to stdout, and the
// details for the user to stderr. A refusal is an error with the message of the server.
func (p *phoneStep) Run(ctx context.Context, line *kong.Context, o output) error {
	code, err := readCode(p.Code)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, phoneTimeout)
	defer cancel()
	data, err := p.call(ctx, line.Selected().Name, code)
	if err != nil {
		return err
	}
	if err := showConsent(o.err, data); err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, data, "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.out, &pretty)
	return err
}

// readCode returns the value of `random` for an argument: a random or the text of a picture
// unchanged, and for a file the text of its picture.
func readCode(arg string) (string, error) {
	_, err := session.ParseID(arg)
	if err == nil || strings.HasPrefix(arg, "{") || strings.Contains(arg, "://") {
		return arg, nil
	}
	data, err := safefile.Read(arg, qr.MaxPictureBytes)
	if err != nil {
		return "", fmt.Errorf("%q is not a random or the text of a picture, and as a file: %w", arg, err)
	}
	text, err := qr.Decode(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", arg, err)
	}
	return text, nil
}

func (p *phoneStep) call(ctx context.Context, step, code string) (json.RawMessage, error) {
	req, err := p.request(ctx, step, code)
	if err != nil {
		return nil, err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the token is only for the named server
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := safefile.ReadAll(resp.Body, maxAnswerBytes)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	var answer struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Code == 0 {
		return nil, fmt.Errorf("%s answers %s, but not as a scanlogin server", p.Server, resp.Status)
	}
	if answer.Code != http.StatusOK {
		return nil, fmt.Errorf("refused (%d): %s", answer.Code, answer.Message)
	}
	return answer.Data, nil
}

func (p *phoneStep) request(ctx context.Context, step, code string) (*http.Request, error) {
	server, err := url.Parse(p.Server)
	if err != nil || server.Scheme != "https" && server.Scheme != "http" || server.Host == "" {
		return nil, errors.New("--server must be an address, such as https://scan.example.com")
	}
	fields := map[string]string{"random": code}
	if p.Match != "" {
		fields["matchCode"] = p.Match
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	if step == "scan" {
		step = "scanned" // the name of the request
	}
	// #nosec G125 -- step is one of three constants
	address := server.JoinPath("api/v2/qrcode", step).String()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Close = true // there is only one request
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+string(p.Token))
	if p.Pool != "" {
		req.Header.Set("x-authing-userpool-id", p.Pool)
	}
	return req, nil
}
