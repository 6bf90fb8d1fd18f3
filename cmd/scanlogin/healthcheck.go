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

	"github.com/scanlogin/scanlogin/internal/config"
)

type healthcheckCommand struct {
	configFlags
	URL string `placeholder:"URL" help:"Ask this address; no configuration is read."`
}

// healthTimeout is shorter than the timeouts of container runtimes, 5 s or more.
const healthTimeout = 3 * time.Second

// Run fails unless the server is ready within healthTimeout.
func (c *healthcheckCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	address := c.URL
	if address == "" {
		var err error
		if address, err = c.readyAddress(line); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Close = true // there is only one request
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // only for the message
	if resp.StatusCode == http.StatusNotFound {
		return errors.New("not found: /readyz is on ops_listen only")
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s: %q", resp.Status, body)
	}
	_, err = fmt.Fprintln(o.out, "ready")
	return err
}

// readyAddress returns the readiness address of the server with this configuration. The
// server validated it, so only what is needed here is read.
func (c *healthcheckCommand) readyAddress(line *kong.Context) (string, error) {
	listen, err := config.OpsListen(c.Config, overrides(line))
	if err != nil {
		return "", err
	}
	if listen == "" {
		return "", errors.New("ops_listen is not configured, so there is no /readyz; set it, or use --url")
	}
	return "http://" + reachable(listen) + "/readyz", nil
}

// reachable returns the address of a listener for clients on this machine.
func reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
