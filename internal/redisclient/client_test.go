package redisclient_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/redisclient"
)

func TestOpenRejectsAnInvalidURLWithoutShowingIt(t *testing.T) {
	for _, url := range []string{
		"", "hunter2", "http://hunter2@localhost", "redis://:hunter2@[::1", "redis://:1/hunter2@localhost",
		"redis://:a#hunter2@localhost", "redis://localhost/0?addr=u:hunter2@other:1", "redis://localhost?hunter2=1",
		"redis://:hunter2@localhost/zero", "unix://:hunter2@", "redis://localhost?master_name=", "redis://:hunter2%zz@localhost",
		"redis://:hunter2@localhost?read_timeout=1m", "rediss://:hunter2@localhost?skip_verify=true", "redis://:hunter2@localhost?master_name=m&replica_only=true",
	} {
		_, err := redisclient.Open(redisclient.Options{URL: url})
		if err == nil || !strings.HasPrefix(err.Error(), "redis_url: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestOpenRejectsAPrefixWithBraces(t *testing.T) {
	if _, err := redisclient.Open(redisclient.Options{URL: "redis://localhost", Prefix: "a{b}"}); err == nil {
		t.Error("a prefix with braces, which would put all keys into one slot, was accepted")
	}
}

func TestOpenAcceptsTheDocumentedAddresses(t *testing.T) {
	text, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	addresses := regexp.MustCompile("(?m)^\\|.*\\| `(.*://.*)` \\|$").FindAllSubmatch(text, -1)
	for _, address := range addresses {
		client, err := redisclient.Open(redisclient.Options{URL: string(address[1])})
		if err != nil {
			t.Errorf("%s: %v", address[1], err)
			continue
		}
		_ = client.Close()
	}
	if len(addresses) != 5 {
		t.Errorf("%d addresses", len(addresses))
	}
}
