package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/phone"
	"github.com/scanlogin/scanlogin/internal/qr"
	"github.com/scanlogin/scanlogin/internal/safefile"
)

type phoneCommand struct {
	Scan    phoneStep `cmd:"" help:"Report that the user scanned the code."`
	Confirm phoneStep `cmd:"" help:"Confirm the login."`
	Cancel  phoneStep `cmd:"" help:"Decline the login."`
}

// phoneStep is one of the three requests of the phone.
type phoneStep struct {
	Server string        `required:"" placeholder:"URL" help:"Public address of the server."`
	Pool   string        `placeholder:"ID" help:"User pool; by default that of the code. Codes that name another one are refused."`
	Links  []string      `name:"link-origin" sep:"none" placeholder:"URL" help:"Address whose links are codes of the server, if it is not that of --server; may be repeated."`
	Apps   []string      `name:"app-link" sep:"none" placeholder:"LINK" help:"Link of the app, with {random}, as app_link of the pool; may be repeated."`
	Token  config.Secret `placeholder:"TOKEN" env:"SCANLOGIN_TOKEN" help:"Token of the user, required. In the environment, other users of the machine cannot see it."`
	Match  string        `name:"match-code" placeholder:"NN" help:"With confirm: the two digits on the page, if the pool requires them."`
	Code   string        `arg:"" help:"Random of the code, text of the picture, typed code, or a file with the picture."`
}

const (
	phoneTimeout   = 10 * time.Second // a busy server answers within 2 s; the rest is for the network
	maxAnswerBytes = 1 << 20          // answers have a few kilobytes
)

// Run makes the selected request. It prints the data of the answer to stdout, and the
// details for the user to stderr. A refusal is an error with the message of the server.
func (p *phoneStep) Run(ctx context.Context, line *kong.Context, o output) error {
	if p.Token == "" {
		return usageError{errors.New("the user's token is missing: set the variable SCANLOGIN_TOKEN, or --token")}
	}
	code, err := p.readCode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, phoneTimeout)
	defer cancel()
	step := line.Selected().Name
	data, err := p.call(ctx, step, code.Random)
	if err != nil {
		return err
	}
	if step == "scan" {
		if err := showScan(o.err, data, code.Kind); err != nil {
			return err
		}
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, data, "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.out, &pretty)
	return err
}

// showScan writes what the user is asked. Typed codes end with the scan, so it names the code.
func showScan(w io.Writer, data json.RawMessage, asked phone.CodeKind) error {
	scan, err := phone.ReadScan(data)
	if err != nil {
		return err
	}
	if err := scan.Write(w); err != nil || asked != phone.KindTyped {
		return err
	}
	_, err = fmt.Fprintf(w, "The typed code is used up: confirm or cancel %s\n", scan.Random)
	return err
}

// readCode returns the code that the argument stands for: a text, or a file with a picture.
func (p *phoneStep) readCode() (phone.Code, error) {
	pins, err := p.pins()
	if err != nil {
		return phone.Code{}, err
	}
	code, err := phone.Parse(p.Code, pins)
	if !errors.Is(err, phone.ErrNotLoginCode) || strings.HasPrefix(p.Code, "{") || strings.Contains(p.Code, "://") {
		return code, explain(err)
	}
	data, err := safefile.Read(p.Code, qr.MaxPictureBytes)
	if err != nil {
		return phone.Code{}, fmt.Errorf("%q is not a random or the text of a picture, and as a file: %w", p.Code, err)
	}
	text, err := qr.Decode(data)
	if err != nil {
		return phone.Code{}, fmt.Errorf("%s: %w", p.Code, err)
	}
	code, err = phone.Parse(text, pins)
	return code, explain(err)
}

// explain adds to an error how to trust the host of a link.
func explain(err error) error {
	if untrusted, ok := errors.AsType[*phone.UntrustedHostError](err); ok {
		return fmt.Errorf("%w; if it is the public address of --server, name it with --link-origin", untrusted)
	}
	return err
}

// pins returns the trusted addresses: the server's, and those of the flags.
func (p *phoneStep) pins() (phone.Pins, error) {
	server, err := p.serverURL()
	if err != nil {
		return phone.Pins{}, err
	}
	pins := phone.Pins{AppLinks: p.Apps, Pool: p.Pool}
	for _, text := range append([]string{server.Scheme + "://" + server.Host}, p.Links...) {
		origin, err := config.ParseOrigin(strings.TrimSuffix(text, "/"))
		if err != nil {
			return phone.Pins{}, usageError{fmt.Errorf("--link-origin: %w", err)}
		}
		pins.Origins = append(pins.Origins, origin)
	}
	return pins, nil
}

func (p *phoneStep) serverURL() (*url.URL, error) {
	server, err := url.Parse(p.Server)
	if err != nil || server.Scheme != "https" && server.Scheme != "http" || server.Host == "" {
		return nil, usageError{errors.New("--server must be an address, such as https://scan.example.com")}
	}
	return server, nil
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
	data, err := phone.AnswerOf(resp, body).Data()
	if refusal, ok := errors.AsType[*phone.Refusal](err); ok && refusal.Code == 0 {
		return nil, fmt.Errorf("%s answers %w", p.Server, err)
	} else if ok && refusal.Kind == phone.NotScanned {
		return nil, fmt.Errorf("%w; first `scanlogin phone scan`", err)
	} else if ok && refusal.Kind == phone.LoginRequired {
		return nil, fmt.Errorf("%w; the server's log says why, of an expired token at the level debug", err)
	}
	return data, err
}

func (p *phoneStep) request(ctx context.Context, step, code string) (*http.Request, error) {
	server, err := p.serverURL()
	if err != nil {
		return nil, err
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
