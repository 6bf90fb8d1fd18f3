package app

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/qr/draw"
	"github.com/scanlogin/scanlogin/internal/secret"
)

const (
	demoPool   = "demo" // id of the only user pool of the demo
	demoClient = "cli"  // id of its OpenID Connect client, examples/oidc
)

// DemoOptions configure the demo.
type DemoOptions struct {
	Listen    string // host:port
	PublicURL string // an origin, as config.ParseOrigin returns it; "": derived from the listener
	Match     bool   // require the number on the page
	StepUp    bool   // require a recent login to the app
}

// demo is what the demo has besides a server: its address and the secrets of this run.
type demo struct {
	publicURL  string
	poolSecret string // of the site
	tokenKey   string // signs the tokens of the phones
}

// Demo runs a server in memory, with one pool, three users, and pages for browser and
// phone, beside each other and alone, until ctx ends.
func Demo(ctx context.Context, o DemoOptions, stdout, stderr io.Writer) error {
	ln, err := listenOn("listen", o.Listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	address := ln.Addr().String()
	interfaces, _ := net.InterfaceAddrs() // on an error, only this machine can connect
	publicURL := demoURL(address, interfaces)
	publicURL = cmp.Or(o.PublicURL, publicURL)
	d := newDemo(publicURL)
	c, err := d.config(address, o)
	if err != nil {
		return err
	}
	a, err := newApp(c, newLog(stderr, c))
	if err != nil {
		return err
	}
	a.public, a.phonePage, a.fallback = ln, "/phone", d.handler()
	fmt.Fprint(stdout, d.greeting())
	return a.run(ctx)
}

const demoGreeting = `scanlogin demo; everything is in memory and is lost at Ctrl-C

  open         %[1]s/
  user pool    %[2]s
  its secret   %[3]s

To log in through OpenID Connect, in another terminal in the source; the phone is at /phone:

  go run ./examples/oidc %[1]s/oidc/%[2]s

`

// greeting returns what the demo prints at its start: its address and, if other machines reach
// it, a QR code that opens the phone page on a real phone.
func (d *demo) greeting() string {
	text := fmt.Sprintf(demoGreeting, d.publicURL, demoPool, d.poolSecret)
	if isLocal(d.publicURL) {
		return text + "To try it with a real phone in the same network, add --listen :8080\n\n"
	}
	code, err := draw.Terminal(d.publicURL + "/phone")
	if err != nil { // the address is too long
		return text
	}
	return text + code + "\nThis code opens the phone page on a real phone, which then scans the code on the login page.\n\n"
}

// isLocal reports whether only this machine reaches an address.
func isLocal(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}

// newDemo makes a demo that browsers and phones reach at publicURL.
func newDemo(publicURL string) *demo {
	return &demo{publicURL: publicURL, poolSecret: string(secret.Random()), tokenKey: string(secret.Random())}
}

// config returns the configuration of the demo: in memory, one pool, tokens signed with a
// new key.
func (d *demo) config(listen string, o DemoOptions) (*config.Config, error) {
	p := config.DefaultPool()
	p.ID, p.Name, p.Secret = demoPool, "Demo", config.Secret(d.poolSecret)
	p.Origins = demoOrigins(d.publicURL, listen)
	p.Identity = &config.Identity{JWT: &config.JWT{HS256Secret: config.Secret(d.tokenKey)}}
	p.Vouching = true
	p.PayloadFormat = string(pool.PayloadURL)
	p.AllowBrowserExchange = true // the login page has no back end
	p.TypedCodes = true
	p.Clients = []config.Client{demoClientOf(o.Match)}
	if o.Match {
		p.Match = "digits"
	}
	if o.StepUp {
		p.StepUp = &config.StepUp{MaxAge: demoMaxAge}
	}
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	values := config.Defaults()
	values.Listen, values.PublicURL, values.Pools, values.SigningKey = listen, d.publicURL, []config.Pool{p}, key
	values.Log = config.Log{Level: "warn", Format: "text"} // keeps the greeting on the screen
	return config.New(values)
}

// demoClientOf returns the client for examples/oidc: a program without a secret, on any port of this
// machine, or with a code to type. A device shows no number.
func demoClientOf(match bool) config.Client {
	c := config.DefaultClient()
	c.ID, c.Name, c.Device, c.DeviceWithoutMatch = demoClient, "Command line", true, match
	c.RedirectURIs = []string{"http://127.0.0.1/callback"}
	return c
}

// newSigningKey returns a new key in PEM.
func newSigningKey() (config.Secret, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// demoOrigins returns the origins of the demo's page.
func demoOrigins(publicURL, listen string) []string {
	_, port, _ := net.SplitHostPort(listen)
	origins := []string{publicURL}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if origin, err := config.ParseOrigin("http://" + net.JoinHostPort(host, port)); err == nil && origin != publicURL {
			origins = append(origins, origin)
		}
	}
	return origins
}

// demoURL returns the URL of a listener. If it listens on all interfaces, that is the
// first address that a phone in the same network can reach.
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
	origin, err := config.ParseOrigin("http://" + net.JoinHostPort(host, port))
	if err != nil {
		return "http://" + address
	}
	return origin
}

func isReachable(addr netip.Addr) bool {
	return addr.Is4() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast()
}
