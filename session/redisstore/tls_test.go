package redisstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// trusted is the authority in the directory of SSL_CERT_DIR, which is how an operator
// configures a private CA. Go reads it once, so TestMain installs it.
var trusted = newAuthority()

// installTrustedCA writes the certificate of trusted into a new directory and sets
// SSL_CERT_DIR.
func installTrustedCA() (dir string) {
	dir, err := os.MkdirTemp("", "trusted")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "ca.pem"), trusted.pem(), 0o600)
	}
	if err == nil {
		err = os.Setenv("SSL_CERT_DIR", dir)
	}
	if err != nil {
		panic(err)
	}
	return dir
}

func newAuthority() authority {
	a := authority{cert: &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}}
	a.key, a.cert = a.issue(a.cert)
	return a
}

// issue creates a key, and a certificate from the template.
func (a authority) issue(template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return key, cert
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// tlsArgs returns the arguments for a server that also listens with TLS on port, has a
// certificate for name, a host name or an IP address, and trusts the authority.
func (a authority) tlsArgs(t *testing.T, port int, name string) []string {
	t.Helper()
	template := &x509.Certificate{DNSNames: []string{name}}
	if ip := net.ParseIP(name); ip != nil {
		template = &x509.Certificate{IPAddresses: []net.IP{ip}}
	}
	key, cert := a.issue(template)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(file string, text []byte) string {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return []string{
		"--tls-port", strconv.Itoa(port), "--tls-auth-clients", "no", "--tls-replication", "yes",
		"--tls-ca-cert-file", write("ca", a.pem()),
		"--tls-key-file", write("key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		"--tls-cert-file", write("cert", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
	}
}

func requireSSLCertDir(t *testing.T) {
	t.Helper()
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("Go reads SSL_CERT_DIR on Linux and the BSDs only")
	}
}

func TestTLSVerifiesAuthorityAndName(t *testing.T) {
	requireSSLCertDir(t)
	for name, test := range map[string]struct {
		by   authority
		name string
		good bool
	}{
		"Good":             {trusted, "127.0.0.1", true},
		"AnotherName":      {trusted, "redis.example", false},
		"UnknownAuthority": {newAuthority(), "127.0.0.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := redistest.FreePort(t)
			redistest.Start(t, test.by.tlsArgs(t, port, test.name)...)
			st := open(t, "rediss://127.0.0.1:"+strconv.Itoa(port))
			if test.good {
				createAndScan(t, st, listen(t, st))
				return
			}
			redistest.Eventually(t, 10*time.Second, "the certificate is rejected", func() bool {
				_, err := st.Load(t.Context(), session.NewID())
				if err == nil || errors.Is(err, session.ErrNotFound) {
					t.Fatalf("loaded: %v", err)
				}
				return strings.Contains(err.Error(), "x509")
			})
		})
	}
}

// TestTLSVerifiesEachNodeByItsOwnName has a Sentinel and a master with different names. Both
// have users with the documented rights.
func TestTLSVerifiesEachNodeByItsOwnName(t *testing.T) {
	requireSSLCertDir(t)
	ports := [2]int{redistest.FreePort(t), redistest.FreePort(t)}
	master := redistest.Start(t, trusted.tlsArgs(t, ports[0], "127.0.0.1")...)
	master.Allow(redistest.LeastRights(t))
	sentinel := sentinel{Server: redistest.Start(t, append([]string{"--sentinel"}, trusted.tlsArgs(t, ports[1], "localhost")...)...)}
	sentinel.monitor("127.0.0.1:"+strconv.Itoa(ports[0]), 60_000)
	sentinel.Allow(strings.Fields(redistest.Documented(t, `(?m)^ACL SETUSER lookup on >\S+ (.*)$`)))
	st := open(t, "rediss://"+redistest.AppUser+"localhost:"+strconv.Itoa(ports[1])+"?master_name=main&username=app&password=s%23cret")
	createAndScan(t, st, listen(t, st))
}

// createAndScan creates and scans a code. The first connection may take long: Go reads all
// authorities, and Sentinel needs four handshakes.
func createAndScan(t *testing.T, st *redisstore.Store, watcher *listener) {
	t.Helper()
	var code session.Session
	redistest.Eventually(t, 10*time.Second, "a code is created", func() (ok bool) {
		var err error
		code, err = st.Create(t.Context(), newCode(st))
		return err == nil
	})
	watcher.subscribe(code.ID)
	watcher.await(10*time.Second, code.ID, 1)
	apply(t, st, code, session.Scan)
	watcher.await(promised, code.ID, 2)
}
