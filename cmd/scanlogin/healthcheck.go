package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/alecthomas/kong"
)

type healthcheckCommand struct {
	Config    string  `default:"scanlogin.yaml" env:"SCANLOGIN_CONFIG" help:"Configuration file of the server."`
	OpsListen *string `yaml:"ops_listen" placeholder:"HOST:PORT" env:"SCANLOGIN_OPS_LISTEN" help:"In the place of the file's value."`
	URL       string  `placeholder:"URL" help:"Ask this address; no configuration is read."`
}

// healthTimeout is shorter than the 5 s and more after which container runtimes
// give up on a check.
const healthTimeout = 3 * time.Second

// Run fails unless the server says within healthTimeout that it is ready.
func (c *healthcheckCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	address := c.URL
	if address == "" {
		var err error
		if address, err = readyAddress(c.Config, overrides(line)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Close = true // there is only this one
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // only says more
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s: %q", resp.Status, body)
	}
	_, err = fmt.Fprintln(o.out, "ready")
	return err
}

// readyAddress returns where a server of that configuration says whether it is
// ready. Of the file only the form is checked: that the server runs is proof of
// the rest.
func readyAddress(file string, overrides []override) (string, error) {
	d, err := readDocument(file, overrides)
	if err != nil {
		return "", err
	}
	listen := d.config.OpsListen
	if listen != "" {
		d.checkListen("ops_listen", listen)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return "", d.problems
	}
	if listen == "" {
		return "", errors.New("ops_listen is not configured, so nobody can be asked; set it, or use --url")
	}
	return "http://" + reachable(listen) + "/readyz", nil
}

// reachable turns an address to listen on into one to call on this machine.
func reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
