package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/webhook"
)

const (
	maxNameRunes = 64
	maxLinkBytes = 512 // a longer one makes a picture that phones cannot read reliably
)

var (
	// keyPrefix allows no braces, which choose the slot of a cluster, and no characters
	// of a glob pattern.
	keyPrefix = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)

	// poolID fits into a header, into a URL, and before the colon of HTTP Basic.
	poolID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// checks holds the validations that the check tag names. Each gets a value, or an element
// of a list. The error says what is wrong and the cure, without the value.
var checks = map[string]func(text string) error{
	"listen":         checkListen,
	"publicURL":      func(text string) error { _, err := parsePublicURL(text); return err },
	"origin":         func(text string) error { _, err := ParseOrigin(text); return err },
	"network":        func(text string) error { _, err := parseNetwork(text); return err },
	"redisURL":       checkRedisURL,
	"keyPrefix":      matches(keyPrefix, "must be 1 to 64 letters, digits and _ . : -, beginning with a letter or digit"),
	"color":          checkColor,
	"redirectURI":    checkRedirectURI,
	"scope":          checkScope,
	"iosApp":         checkIOSApp,
	"id":             matches(poolID, "must be 1 to 64 letters, digits and - _ ."),
	"name":           CheckName,
	"sha256":         checkSHA256,
	"webAddress":     checkWebAddress,
	"appLink":        checkAppLink,
	"fingerprint":    func(text string) error { _, err := parseFingerprint(text); return err },
	"androidPackage": checkAndroidPackage,
	"webhookKey":     func(text string) error { _, err := pool.ParseWebhookKey(text); return err },
	"event":          checkEvent,
	"acr":            checkACR,
	"method":         checkMethod,
}

func matches(pattern *regexp.Regexp, message string) func(string) error {
	return func(text string) error {
		if !pattern.MatchString(text) {
			return errors.New(message)
		}
		return nil
	}
}

func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("must be host:port, such as 127.0.0.1:8080, or :8080 for all interfaces")
	}
	return nil
}

// checkRedisURL parses the URL as the store does, without connecting.
func checkRedisURL(text string) error {
	client, err := redisclient.Open(redisclient.Options{URL: text})
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "redis_url: "))
	}
	_ = client.Close() // there is no connection yet
	return nil
}

// CheckName checks the name of a pool or an administrator.
func CheckName(text string) error {
	if utf8.RuneCountInString(text) > maxNameRunes || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("must be at most %d characters in one line", maxNameRunes)
	}
	return nil
}

func checkSHA256(text string) error {
	if hash, err := hex.DecodeString(text); err != nil || len(hash) != sha256.Size {
		return errors.New("must be the 64 hexadecimal digits that `scanlogin console-token` prints, not the token itself")
	}
	return nil
}

// checkWebAddress accepts an address from which a page can load a picture.
func checkWebAddress(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("must be an address, such as https://www.example.com/logo.png")
	}
	return nil
}

func checkAppLink(link string) error {
	notASCII := strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r > '~' })
	switch scheme, _, ok := strings.Cut(link, ":"); {
	case !strings.Contains(link, pool.RandomInLink):
		return errors.New("must contain " + pool.RandomInLink + ", which is replaced with the id of the code")
	case !ok || scheme == "" || notASCII || len(link) > maxLinkBytes:
		return fmt.Errorf("must be an address of at most %d ASCII characters, such as myapp://login?code={random}", maxLinkBytes)
	}
	return nil
}

func checkEvent(text string) error {
	if !slices.Contains(webhook.Events(), text) {
		return errors.New("must be one of " + strings.Join(webhook.Events(), ", "))
	}
	return nil
}

// parseNetwork parses a network, or an address as the network of only that address.
func parseNetwork(text string) (netip.Prefix, error) {
	if network, err := netip.ParsePrefix(text); err == nil {
		return network.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, errors.New("must be a network, such as 10.0.0.0/8, or an address")
	}
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

func parsePublicURL(text string) (string, error) {
	return ParseOrigin(strings.TrimSuffix(text, "/"))
}

// ParseOrigin parses scheme://host[:port] and returns it as browsers write it: in lower
// case, without the default port of the scheme.
func ParseOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return "", errors.New("must be scheme://host[:port] with http or https, such as https://www.example.com; no patterns")
	}
	if u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil || strings.HasSuffix(text, "#") {
		return "", errors.New("must end after host[:port]; remove path, query, fragment and user")
	}
	if !isHost(u.Hostname()) {
		return "", errors.New("has an invalid host name; write other scripts as xn--…, and no patterns")
	}
	port := u.Port()
	if port == "" && strings.HasSuffix(u.Host, ":") {
		return "", errors.New("has a colon without a port; remove it")
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return "", errors.New("has an invalid port; it must be 1 to 65535")
	}
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		host = "[" + addr.String() + "]" // in its shortest form
	}
	if port != "" && (u.Scheme != "https" || port != "443") && (u.Scheme != "http" || port != "80") {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func isHost(name string) bool {
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Zone() == "" || hostName.MatchString(name)
}
