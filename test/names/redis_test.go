package names

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

// monitor records what Redis is told to write: also that which a script writes, and which
// is deleted or expires at once.
type monitor struct {
	conn net.Conn
	done chan struct{}

	mu       sync.Mutex
	commands [][]string // without those that were there before; the name of the command is lower case
	known    map[string]bool
}

var argument = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// startMonitor returns when Redis has begun to report commands.
func startMonitor(t *testing.T, redis *redistest.Server) *monitor {
	t.Helper()
	conn, err := net.DialTimeout("tcp", redis.Addr(), timeout)
	if err != nil {
		t.Fatal(err)
	}
	m := &monitor{conn: conn, done: make(chan struct{}), known: make(map[string]bool)}
	if _, err := fmt.Fprint(conn, "MONITOR\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || line != "+OK\r\n" {
		t.Fatalf("MONITOR: %q, %v", line, err)
	}
	go m.read(in)
	t.Cleanup(m.stop)
	return m
}

func (m *monitor) read(in *bufio.Reader) {
	defer close(m.done)
	for {
		line, err := in.ReadString('\n') // ends with the connection
		if err != nil {
			return
		}
		var command []string
		for _, quoted := range argument.FindAllString(line, -1) {
			if text, err := strconv.Unquote(quoted); err == nil {
				command = append(command, text)
			}
		}
		m.mu.Lock()
		if all := strings.Join(command, "\x00"); len(command) > 1 && !m.known[all] {
			m.known[all] = true
			command[0] = strings.ToLower(command[0])
			m.commands = append(m.commands, command)
		}
		m.mu.Unlock()
	}
}

// stop ends the recording.
func (m *monitor) stop() {
	m.conn.Close()
	<-m.done
}

// hasKey reports whether a command named a key or channel that begins with prefix.
func (m *monitor) hasKey(prefix string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.commands, func(command []string) bool {
		return slices.ContainsFunc(command[1:], func(text string) bool { return strings.HasPrefix(text, prefix) })
	})
}

// addRedis adds keys and channels, and the names in what is stored and published.
func (w *walker) addRedis() {
	for _, command := range w.monitor.commands {
		name, arguments := command[0], command[1:]
		kind := "redis key"
		if strings.HasSuffix(name, "subscribe") || name == "publish" {
			kind = "redis channel"
		}
		for _, text := range arguments {
			if strings.HasPrefix(text, "scanlogin:") {
				w.names.add(kind, w.shape(text))
			}
		}
		switch name {
		case "hset":
			w.addFields("redis hash", w.shape(arguments[0]), arguments[1:])
		case "xadd":
			w.addFields("redis stream", w.shape(arguments[0]), arguments[slices.Index(arguments, "*")+1:])
		case "xgroup":
			w.names.add("redis stream", w.shape(arguments[1]), "group", arguments[2])
		case "publish":
			w.addFields("redis message", w.shape(arguments[0]), []string{"", arguments[1]})
		}
	}
}

// addFields adds fields of a record, which are followed by their values. A value that is a
// JSON object has names, too.
func (w *walker) addFields(kind, shape string, fields []string) {
	for i := 0; i+1 < len(fields); i += 2 {
		var object map[string]any
		if err := json.Unmarshal([]byte(fields[i+1]), &object); err != nil {
			object = nil // a text
		}
		if strings.HasPrefix(shape, "scanlogin:stats:") { // a field for each node, with counts by names that are listed elsewhere
			for name := range object {
				if name == "stopped" && strings.Contains(shape, ":pool:") {
					continue // only if the pool changed in the last two seconds
				}
				w.names.add(kind, shape, "<node>", name)
			}
			continue
		}
		field := codeField.ReplaceAllString(fields[i], "code:<code>")
		w.names.add(kind, shape, field)
		for _, path := range paths(object) {
			w.names.add(kind, shape, strings.TrimSpace(field+" "+path))
		}
	}
}

// paths returns the names in a JSON object.
func paths(object map[string]any) (all []string) {
	for name, value := range object {
		all = append(all, name)
		if list, ok := value.([]any); ok && len(list) > 0 {
			value, name = list[0], name+"[]"
		}
		if inner, ok := value.(map[string]any); ok {
			for _, path := range paths(inner) {
				all = append(all, name+"."+path)
			}
		}
	}
	return all
}

// codeField is a field of an authorization request, for a code.
var codeField = regexp.MustCompile(`^code:[0-9A-Za-z]{30}$`)

// placeholders are for what varies in names.
var placeholders = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`^(2:)?\{[0-9A-Za-z]{30}\}$`), "${1}{<code>}"},
	{regexp.MustCompile(`^\{check:[\w-]{20,}\}$`), "{check:<operation>}"},
	{regexp.MustCompile(`^probe:[\w-]{20,}$`), "probe:<operation>"},
	{regexp.MustCompile(`^stats:[0-9]{6,10}$`), "stats:<minute>"},
	{regexp.MustCompile(`^stats:[0-9]{6,10}:pool:[0-9a-f]{16}$`), "stats:<minute>:pool:<hash>"},
	{regexp.MustCompile(`^stats:(900|7200):[0-9]{5,8}$`), "stats:${1}:<period>"},
	{regexp.MustCompile(`^stats:(900|7200):[0-9]{5,8}:pool:[0-9a-f]{16}$`), "stats:${1}:<period>:pool:<hash>"},
	{regexp.MustCompile(`^typed:[\w-]{22}$`), "typed:<pseudonym in the pool: typed code, <typed code>>"},
	{regexp.MustCompile(`^oidc:request:[0-9a-f]{64}$`), "oidc:request:<SHA-256 of the id>"},
	{regexp.MustCompile(`^oidc:login:[0-9a-f]{32}$`), "oidc:login:<sid>"},
	{regexp.MustCompile(`^oidc:revoked:[0-9a-f]{32}$`), "oidc:revoked:<jti>"},
	{regexp.MustCompile(`^queue:webhooks:(main|other|brief):`), "queue:webhooks:<pool>:"},
}

// shape returns a key or channel with placeholders for what varies.
func (w *walker) shape(key string) string {
	name, isOurs := strings.CutPrefix(key, "scanlogin:")
	if !isOurs {
		return "without prefix: " + key
	}
	for _, p := range placeholders {
		name = p.pattern.ReplaceAllString(name, p.with)
	}
	if hash, ok := strings.CutPrefix(name, "console:"); ok && slices.Contains(w.consoleKeys, hash) {
		name = "console:<SHA-256 of the cookie>"
	}
	if pseudonym, ok := strings.CutPrefix(name, "tally:"); ok {
		name = "tally:" + w.explain(pseudonym)
	}
	return "scanlogin:" + name
}

// label is what a pseudonym is made of.
type label struct {
	parts []string
	text  string
}

const (
	address = "127.0.0.1"
	network = "127.0.0.0/24"
	slot    = 10 * time.Minute // of the count of an address's codes
)

// labelsOf returns the labels that are used with a pool.
func (w *walker) labelsOf(p *pool.Pool) []label {
	all := []label{
		{[]string{"few codes", network}, "few codes, <network>"},
		{[]string{"codes of many"}, "codes of many"},
		{[]string{"codes"}, "codes"},
		{[]string{"requests"}, "requests"},
	}
	for _, name := range []string{user, otherUser} {
		all = append(all,
			label{[]string{"user", name}, "user, <user>"},
			label{[]string{"typed guess", name}, "typed guess, <user>"},
			label{[]string{"cancels", name}, "cancels, <user>"},
			label{[]string{"pause", name}, "pause, <user>"})
		for _, cookie := range w.cookies {
			hash := sha256.Sum256([]byte(cookie))
			all = append(all, label{[]string{"browser", name, base64.RawURLEncoding.EncodeToString(hash[:])}, "browser, <user>, <SHA-256 of its cookie>"})
		}
	}
	return all
}

// labelsWithoutPool returns the labels of addresses.
func (w *walker) labelsWithoutPool() []label {
	now := time.Now().UnixNano() / int64(slot)
	all := []label{
		{[]string{"codes", address}, "codes, <address>"},
		{[]string{"requests", address}, "requests, <address>"},
		{[]string{"call", address}, "call, <address>"},
		{[]string{"miss", address}, "miss, <address>"},
		{[]string{"typed guess", address}, "typed guess, <address>"},
		{[]string{"secrets", address}, "secrets, <address>"},
		{[]string{"secret", address, ""}, "secret, <address>, <pool>"},
		{[]string{"secret", address, clientID}, "secret, <address>, <client>"},
		{[]string{"proven", address, clientID}, "proven, <address>, <client>"},
		{[]string{"lately", address, fmt.Sprint(now)}, "lately, <address>, <ten minutes>"},
		{[]string{"lately", address, fmt.Sprint(now - 1)}, "lately, <address>, <ten minutes>"},
		{[]string{"lately", address, fmt.Sprint(now - 2)}, "lately, <address>, <ten minutes>"},
	}
	for _, p := range w.pools {
		all = append(all, label{[]string{"secret", address, p.ID}, "secret, <address>, <pool>"}, label{[]string{"proven", address, p.ID}, "proven, <address>, <pool>"})
	}
	return all
}

// explain returns the parts that a pseudonym stands for, or the pseudonym.
func (w *walker) explain(pseudonym string) string {
	if _, known := w.explained[pseudonym]; !known {
		w.explained[pseudonym] = w.findLabel(pseudonym)
	}
	return w.explained[pseudonym]
}

// findLabel is explain without its memory: it computes the pseudonyms of all labels.
func (w *walker) findLabel(pseudonym string) string {
	for _, p := range w.pools {
		for _, l := range w.labelsOf(p) {
			if p.Pseudonym(l.parts...) == pseudonym {
				return "<pseudonym in the pool: " + l.text + ">"
			}
		}
	}
	for _, l := range w.labelsWithoutPool() {
		if pool.NewRegistry(w.pools...).Pseudonym(l.parts...) == pseudonym {
			return "<pseudonym: " + l.text + ">"
		}
	}
	return pseudonym
}

// consoleKey returns what names the console session with a cookie.
func consoleKey(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}
