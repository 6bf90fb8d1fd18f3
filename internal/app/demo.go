package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// demoPool is the id of the demo's one user pool.
const demoPool = "demo"

// demo is what the demo has beside a server: its own address, and the secrets
// of this run.
type demo struct {
	publicURL  string
	poolSecret string          // of the site's back end
	tokenKey   identity.Secret // signs the phones' tokens
	decoding   chan struct{}   // holds a token while a picture is decoded: one at a time, because of the memory
}

type demoCommand struct {
	Listen    string `default:"127.0.0.1:8080" help:"Where to listen; :8080 lets phones in the same network in."`
	PublicURL string `placeholder:"URL" help:"How browsers and phones reach it, if not by that address."`
	Match     bool   `help:"Ask the phone for the number on the page."`
}

// Run serves the demo until ctx ends.
func (c *demoCommand) Run(ctx context.Context, o output) error {
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	address := ln.Addr().String()
	interfaces, _ := net.InterfaceAddrs() // without any it is this machine alone
	publicURL := demoURL(address, interfaces)
	if c.PublicURL != "" {
		if publicURL, err = parseOrigin(strings.TrimSuffix(c.PublicURL, "/")); err != nil {
			return fmt.Errorf("--public-url: %w", err)
		}
	}
	d := newDemo(publicURL)
	s, err := d.settings(address)
	if err != nil {
		return err
	}
	if c.Match {
		s.Pools[0].Match = session.MatchDigits
	}
	signer, err := s.newSigner()
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, demoGreeting, publicURL, demoPool, d.poolSecret)
	h := &house{
		settings: s, desk: newDesk(s, newLog(o.err, s)), signer: signer, places: new(geoip.Atlas), public: ln,
		phonePage: "/phone", fallback: d.handler(), log: newLog(o.err, s),
	}
	return h.run(ctx)
}

const demoGreeting = `scanlogin demo; all of it is in memory and gone after Ctrl-C

  login page   %[1]s/
  phone page   %[1]s/phone
  user pool    %[2]s
  its secret   %[3]s

`

// newDemo makes a demo that others reach at publicURL.
func newDemo(publicURL string) *demo {
	return &demo{
		publicURL:  publicURL,
		poolSecret: randomText(),
		tokenKey:   identity.Secret(randomText()),
		decoding:   make(chan struct{}, 1),
	}
}

// settings returns what a server needs for the demo: memory only, one pool,
// tokens under a key of this run.
func (d *demo) settings(listen string) (*configuration, error) {
	users, err := identity.NewJWT(identity.JWTConfig{HS256Secret: d.tokenKey})
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &configuration{
		Listen:     listen,
		PublicURL:  d.publicURL,
		SigningKey: key,
		TokenTTL:   time.Hour,
		LogLevel:   slog.LevelWarn, // the terminal belongs to the addresses
		LogFormat:  "text",
		Pools: []*pool.Pool{{
			ID:                   demoPool,
			Name:                 "Demo",
			Secret:               pool.NewSecret(d.poolSecret),
			Origins:              demoOrigins(d.publicURL, listen),
			Identity:             users,
			Vouching:             true,
			CodeTTL:              pool.DefaultCodeTTL,
			ConfirmTTL:           pool.DefaultConfirmTTL,
			TicketTTL:            pool.DefaultTicketTTL,
			MaxCodes:             pool.DefaultMaxCodes,
			PayloadFormat:        pool.PayloadURL,
			AllowBrowserExchange: true, // the login page is its own site
			BindBrowser:          true,
			Consent:              pool.DefaultConsent(),
			KnownBrowserTTL:      pool.DefaultKnownBrowserTTL,
		}},
	}, nil
}

// demoOrigins are where a browser may have the demo's page from.
func demoOrigins(publicURL, listen string) []string {
	_, port, _ := net.SplitHostPort(listen)
	origins := []string{publicURL}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if origin, err := parseOrigin("http://" + net.JoinHostPort(host, port)); err == nil && origin != publicURL {
			origins = append(origins, origin)
		}
	}
	return origins
}

// demoURL is how others reach what listens at address: if that is all of this
// machine's interfaces, by the first one that a phone in the same network can
// reach.
func demoURL(address string, interfaces []net.Addr) string {
	host, port, _ := net.SplitHostPort(address)
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
		for _, a := range interfaces {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && isReachable(prefix.Addr()) {
				host = prefix.Addr().String()
				break
			}
		}
	}
	origin, err := parseOrigin("http://" + net.JoinHostPort(host, port))
	if err != nil {
		return "http://" + address
	}
	return origin
}

func isReachable(addr netip.Addr) bool {
	return addr.Is4() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast()
}
