package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/config"
)

// Serve runs the server until ctx ends. load reads its configuration, now and at each
// SIGHUP. The log goes to stderr, an audit trail may go to stdout.
func Serve(ctx context.Context, load func() (*config.Config, error), stdout, stderr io.Writer) error {
	c, err := load()
	if err != nil {
		return err
	}
	log := newLog(stderr, c)
	logWarnings(log, c.Warnings)
	a, err := newApp(c, log)
	if err != nil {
		return err
	}
	if a.trail, err = openTrail(c, stdout, log); err != nil {
		return err
	}
	if err := a.listen(); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	a.reloads = &reloadSource{load: load, hangups: hangups}
	a.announce()
	return a.run(ctx)
}

// openTrail opens the audit trail, nil if it is off.
func openTrail(c *config.Config, stdout io.Writer, log *slog.Logger) (*audit.Trail, error) {
	if c.Audit.File == "" {
		return nil, nil
	}
	trail, err := audit.Open(audit.Options{
		File: c.Audit.File, Stdout: stdout, HashAddresses: c.Audit.HashAddresses, HashKey: []byte(c.Audit.HashKey), Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("audit.file: %w", err)
	}
	return trail, nil
}

// newLog makes a log that writes to w as the configuration says.
func newLog(w io.Writer, c *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel()}
	if c.Log.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// listen opens all listeners or none.
func (a *App) listen() (err error) {
	if a.public, err = listenOn("listen", a.config.Listen); err != nil {
		return err
	}
	if a.config.OpsListen == "" {
		return nil
	}
	if a.ops, err = listenOn("ops_listen", a.config.OpsListen); err != nil {
		a.closeListeners()
		return err
	}
	return nil
}

// listenOn opens a listener at the address of a setting. The error names the setting and, for
// the usual mistakes, the cure.
func listenOn(setting, address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	flag := "--" + strings.ReplaceAll(setting, "_", "-")
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another process: stop that process, or choose another port with %s", setting, address, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: %s is not an address of this machine: choose one with %s; :8080 is port 8080 of all", setting, address, flag)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: this user may not listen on %s: choose a port from 1024 with %s: %w", setting, address, flag, err)
	}
	return nil, fmt.Errorf("%s: %w", setting, err)
}

// announce logs where the server listens and what it uses.
func (a *App) announce() {
	store := "redis"
	if a.config.RedisURL == "" {
		store = "memory, one node"
	}
	ops := "off"
	if a.ops != nil {
		ops = a.ops.Addr().String()
	}
	a.log.Info("serving", "listen", a.public.Addr().String(), "ops", ops, "publicURL", a.config.PublicURL,
		"store", store, "pools", len(a.config.Pools))
	for _, p := range a.config.UserPools {
		if p.Identity == nil {
			a.log.Info("pool without identity: only the back end of the app can name users", "pool", p.ID)
		}
	}
}
