package topology

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// balancerKind is a program that can be in front of the nodes.
type balancerKind struct {
	name, cure string
	config     string // in the repository
	// here puts this test's addresses in the place of the file's. Each old one
	// must be there, or the file has changed and is not what is tested.
	here  func(s *site, dir string) []replacement
	check func(file, dir string) []string // arguments that have the file checked
	run   func(file, dir string) []string

	namesNodes bool     // its log says which node was asked
	asksAgain  bool     // elsewhere, also a POST that was sent; else the client is told to
	silence    []string // the file's bounds on a connection that says nothing, each of 60s
}

type replacement struct{ old, new string }

var nginx = balancerKind{
	name: "nginx", cure: "apt-get install nginx-light, or brew install nginx",
	config: "deploy/nginx.conf",
	here: func(s *site, dir string) []replacement {
		return []replacement{
			{"listen 8080;", "listen " + s.balancerAddr + ";"},
			{"resolver 127.0.0.11 ", "resolver " + s.names.addr() + " "},
			{s.alias + s.config.Listen + ";", s.alias + ":" + s.port + ";"},
			{"/tmp/", dir + "/"},
		}
	},
	check: func(file, dir string) []string { return append(nginxArgs(file, dir), "-t") },
	run:   nginxArgs,

	namesNodes: true, asksAgain: true,
	silence: []string{"proxy_read_timeout 60s;", "proxy_send_timeout 60s;"},
}

func nginxArgs(file, dir string) []string {
	return []string{"-c", file, "-p", dir, "-e", "/dev/stderr", "-g", "daemon off;"}
}

var haproxy = balancerKind{
	name: "haproxy", cure: "apt-get install haproxy, or brew install haproxy",
	config: "deploy/haproxy.cfg",
	here: func(s *site, _ string) []replacement {
		return []replacement{
			{"bind :8080\n", "bind " + s.balancerAddr + "\n"},
			{"dns 127.0.0.11:53\n", "dns " + s.names.addr() + "\n"},
			{s.alias + s.config.Listen + " check port " + strings.TrimPrefix(s.config.OpsListen, ":"),
				s.alias + ":" + s.port + " check port " + s.opsPort},
		}
	},
	check: func(file, _ string) []string { return []string{"-c", "-f", file} },
	run:   func(file, _ string) []string { return []string{"-db", "-f", file} },

	namesNodes: true, asksAgain: true,
	silence: []string{"timeout client 60s\n", "timeout server 60s\n", "timeout tunnel 60s "},
}

var caddy = balancerKind{
	name: "caddy", cure: "apt-get install caddy, or brew install caddy",
	config: "deploy/Caddyfile",
	here: func(s *site, dir string) []replacement {
		return []replacement{
			{"\n:8080 {", "\nhttp://" + s.balancerAddr + " {\n\tbind " + strings.Split(s.balancerAddr, ":")[0]},
			{"resolvers udp/127.0.0.11:53 ", "resolvers udp/" + s.names.addr() + " "},
			{"name " + s.alias + "\n\t\tport " + strings.TrimPrefix(s.config.Listen, ":") + "\n", "name " + s.alias + "\n\t\tport " + s.port + "\n"},
			{"admin off\n", "admin off\n\tstorage file_system " + dir + "\n"},
		}
	},
	check: func(file, _ string) []string { return []string{"validate", "--adapter", "caddyfile", "--config", file} },
	run:   func(file, _ string) []string { return []string{"run", "--adapter", "caddyfile", "--config", file} },

	silence: []string{"response_header_timeout 60s\n"},
}

// after is kind with other bounds on a connection that says nothing.
func (kind balancerKind) after(silence string) balancerKind {
	here := kind.here
	kind.here = func(s *site, dir string) []replacement {
		all := here(s, dir)
		for _, bound := range kind.silence {
			all = append(all, replacement{bound, strings.Replace(bound, "60s", silence, 1)})
		}
		return all
	}
	return kind
}

// startBalancer starts a balancer with the repository's configuration.
func (s *site) startBalancer(t *testing.T, kind balancerKind) *process {
	t.Helper()
	program, dir := find(t, kind.name, kind.cure), t.TempDir()
	text := readText(t, kind.config)
	for _, r := range kind.here(s, dir) {
		if !strings.Contains(text, r.old) {
			t.Fatalf("%s does not contain %q", kind.config, r.old)
		}
		text = strings.ReplaceAll(text, r.old, r.new)
	}
	file := filepath.Join(dir, filepath.Base(kind.config))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, kind.check(file, dir)...).CombinedOutput(); err != nil || strings.Contains(strings.ToLower(string(out)), "warn") {
		t.Fatalf("%s: %v\n%s", kind.config, err, out)
	}
	return launch(t, command(program, kind.run(file, dir), []string{"HOME=" + dir}))
}

// logLine is what the balancers log of a request.
type logLine struct {
	Path  string `json:"path"`
	Nodes string `json:"nodes"`

	Request struct {
		URI string `json:"uri"` // Caddy's word for the path
	} `json:"request"`
}

// node is the one that answered, the last that was tried.
func (l logLine) node() string {
	tried := strings.Split(l.Nodes, ", ")
	return tried[len(tried)-1]
}

// logged waits until the balancer has logged n requests for a path of the
// interface.
func (s *site) logged(t *testing.T, path string, n int) (lines []logLine) {
	t.Helper()
	s.eventually(t, "the balancer logs "+path, func() bool {
		lines = nil
		for line := range strings.Lines(s.balancer.text(t)) {
			var l logLine
			if json.Unmarshal([]byte(line), &l) == nil && cmp.Or(l.Path, l.Request.URI) == api+path {
				lines = append(lines, l)
			}
		}
		return len(lines) >= n
	})
	return lines
}
