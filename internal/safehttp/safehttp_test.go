package safehttp_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/safehttp"
)

func TestPublicAcceptsOnlyTheInternet(t *testing.T) {
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "192.0.1.1", "223.255.255.254", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1"} {
		if err := safehttp.Public(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"192.0.0.8", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "fe80::1%eth0",
	} {
		if err := safehttp.Public(netip.MustParseAddr(text)); !errors.Is(err, safehttp.ErrNotPublic) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// get requests an address with a timeout.
func get(t *testing.T, transport *http.Transport, address string) error {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, CheckRedirect: safehttp.NoRedirects, Timeout: 10 * time.Second}
	resp, err := client.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// The names resolve; the addresses are refused when they are dialed.
func TestNoNameOrSpellingReachesAPrivateAddress(t *testing.T) {
	asked := make(chan string, 16)
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host }))
	t.Cleanup(inside.Close)
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001", "[::1]"} {
		if err := get(t, safehttp.Transport(safehttp.Public), "http://"+host+":"+port+"/"); err == nil {
			t.Errorf("%s was reached", host)
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		err := get(t, safehttp.Transport(safehttp.Public), "http://"+host+":"+port+"/")
		if !errors.Is(err, safehttp.ErrNotPublic) {
			t.Errorf("%s: %v", host, err)
		}
		if err := get(t, safehttp.Transport(nil), "http://"+host+":"+port+"/"); err != nil || !strings.HasPrefix(<-asked, host) {
			t.Errorf("%s, allowed: %v", host, err)
		}
	}
	if len(asked) > 0 {
		t.Errorf("%d unexpected requests", len(asked))
	}
}

// A header takes at most 64 KiB of memory, with HTTP/1.1 and HTTP/2.
func TestResponseHeadersAreBounded(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("kib"))
		for range size {
			w.Header().Add("X-Filler", strings.Repeat("x", 1<<10))
		}
	})
	for _, version := range []int{1, 2} {
		host := httptest.NewUnstartedServer(handler)
		host.EnableHTTP2 = version == 2
		host.StartTLS()
		t.Cleanup(host.Close)
		transport := safehttp.Transport(nil)
		transport.TLSClientConfig = host.Client().Transport.(*http.Transport).TLSClientConfig
		if err := get(t, transport, host.URL+"/?kib=40"); err != nil {
			t.Errorf("HTTP/%d, 40 KiB: %v", version, err)
		}
		if err := get(t, transport, host.URL+"/?kib=200"); err == nil {
			t.Errorf("HTTP/%d: a header of 200 KiB was read", version)
		}
	}
}

func TestProxyFromTheEnvironmentIsNotUsed(t *testing.T) {
	if safehttp.Transport(nil).Proxy != nil {
		t.Error("there is a proxy")
	}
}
