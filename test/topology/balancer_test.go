package topology

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// balancerKind is a load balancer for which deploy has a configuration.
type balancerKind struct {
	name, install string
	config        string // path in the repository
	// rewrite returns replacements for the file's addresses. Each old text must
	// be in the file, so that the test notices when the file changes.
	rewrite func(d *deployment, dir string) []replacement
	check   func(file, dir string) []string // arguments that validate the file
	run     func(file, dir string) []string

	byName func(d *deployment) []replacement // more of them, about the name of the nodes
	fixed  func(d *deployment) []replacement // instead of byName: the fixed addresses that the file proposes in a comment

	logsNode     bool     // the log names the node of each request
	retries      bool     // a failed request goes to another node, even a POST that was sent; otherwise clients must retry
	idleTimeouts []string // settings that limit an idle connection, each to 60s
}

type replacement struct{ old, new string }

var nginx = balancerKind{
	name: "nginx", install: "apt-get install nginx-light, or brew install nginx",
	config: "deploy/nginx.conf",
	rewrite: func(d *deployment, dir string) []replacement {
		return []replacement{
			{"listen 8080;", "listen " + d.balancerAddr + ";"},
			{"/tmp/", dir + "/"},
		}
	},
	byName: func(d *deployment) []replacement {
		return []replacement{
			{"resolver 127.0.0.11 ", "resolver " + d.names.addr() + " "},
			{d.alias + d.config.Listen + ";", d.alias + ":" + d.port + ";"},
		}
	},
	check: func(file, dir string) []string { return append(nginxArgs(file, dir), "-t") },
	run:   nginxArgs,
	fixed: func(d *deployment) []replacement {
		return []replacement{
			{"\n    resolver 127.0.0.11 valid=2s ipv6=off;\n    resolver_timeout 2s;\n", "\n"},
			{"# upstream nodes { server 10.0.0.1:8080 max_fails=0; server 10.0.0.2:8080 ", "upstream nodes { server 127.0.0.1:" + d.port + " max_fails=0; server 127.0.0.2:" + d.port + " "},
			{"set $nodes scanlogin:8080;", "set $nodes nodes;"},
		}
	},

	logsNode: true, retries: true,
	idleTimeouts: []string{"proxy_read_timeout 60s;", "proxy_send_timeout 60s;"},
}

func nginxArgs(file, dir string) []string {
	return []string{"-c", file, "-p", dir, "-e", "/dev/stderr", "-g", "daemon off;"}
}

var haproxy = balancerKind{
	name: "haproxy", install: "apt-get install haproxy, or brew install haproxy",
	config: "deploy/haproxy.cfg",
	rewrite: func(d *deployment, _ string) []replacement {
		return []replacement{{"bind :8080\n", "bind " + d.balancerAddr + "\n"}}
	},
	byName: func(d *deployment) []replacement {
		return []replacement{
			{"dns 127.0.0.11:53\n", "dns " + d.names.addr() + "\n"},
			{d.alias + d.config.Listen + " check port " + strings.TrimPrefix(d.config.OpsListen, ":"),
				d.alias + ":" + d.port + " check port " + d.opsPort},
		}
	},
	check: func(file, _ string) []string { return []string{"-c", "-f", file} },
	run:   func(file, _ string) []string { return []string{"-db", "-f", file} },
	fixed: func(d *deployment) []replacement {
		return []replacement{
			{"resolvers docker # its", "# resolvers docker # its"}, {"    nameserver ", "    # nameserver "}, {"    hold ", "    # hold "},
			{"    server-template ", "    # server-template "},
			{"# server a 10.0.0.1:8080 check port 9090", "server a 127.0.0.1:" + d.port + " check port " + d.opsPort},
			{"# server b 10.0.0.2:8080 check port 9090", "server b 127.0.0.2:" + d.port + " check port " + d.opsPort},
		}
	},

	logsNode: true, retries: true,
	idleTimeouts: []string{"timeout client 60s\n", "timeout server 60s\n", "timeout tunnel 60s "},
}

var caddy = balancerKind{
	name: "caddy", install: "apt-get install caddy, or brew install caddy",
	config: "deploy/Caddyfile",
	rewrite: func(d *deployment, dir string) []replacement {
		return []replacement{
			{"\n:8080 {", "\nhttp://" + d.balancerAddr + " {\n\tbind " + strings.Split(d.balancerAddr, ":")[0]},
			{"admin off\n", "admin off\n\tstorage file_system " + dir + "\n"},
		}
	},
	byName: func(d *deployment) []replacement {
		return []replacement{
			{"resolvers udp/127.0.0.11:53 ", "resolvers udp/" + d.names.addr() + " "},
			{"name " + d.alias + "\n\t\tport " + strings.TrimPrefix(d.config.Listen, ":") + "\n", "name " + d.alias + "\n\t\tport " + d.port + "\n"},
		}
	},
	check: func(file, _ string) []string { return []string{"validate", "--adapter", "caddyfile", "--config", file} },
	run:   func(file, _ string) []string { return []string{"run", "--adapter", "caddyfile", "--config", file} },
	fixed: func(d *deployment) []replacement {
		return []replacement{
			{"# to 10.0.0.1:8080 10.0.0.2:8080", "to 127.0.0.1:" + d.port + " 127.0.0.2:" + d.port},
			{"\tdynamic a {\n", ""}, {"\t\tname scanlogin\n", ""}, {"\t\tport 8080\n", ""},
			{"\t\tresolvers udp/127.0.0.11:53 # without udp/, Caddy would use TCP\n", ""}, {"\t\trefresh 2s\n\t}\n", ""},
		}
	},

	idleTimeouts: []string{"response_header_timeout 60s\n"},
}

// withIdleTimeout returns kind with another limit for idle connections.
func (kind balancerKind) withIdleTimeout(limit string) balancerKind {
	rewrite := kind.rewrite
	kind.rewrite = func(d *deployment, dir string) []replacement {
		all := rewrite(d, dir)
		for _, setting := range kind.idleTimeouts {
			all = append(all, replacement{setting, strings.Replace(setting, "60s", limit, 1)})
		}
		return all
	}
	return kind
}

// withFixedAddresses returns kind with the addresses of the nodes instead of their name.
func (kind balancerKind) withFixedAddresses() balancerKind {
	kind.byName = kind.fixed
	return kind
}

// startBalancer starts a load balancer with the configuration from deploy.
func (d *deployment) startBalancer(t *testing.T, kind balancerKind) *child {
	t.Helper()
	program, dir := findProgram(t, kind.name, kind.install), t.TempDir()
	text := readText(t, kind.config)
	for _, r := range slices.Concat(kind.rewrite(d, dir), kind.byName(d)) {
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
	return launch(t, kind.name, program, kind.run(file, dir), []string{"HOME=" + dir})
}

// logLine is a load balancer's log record of a request.
type logLine struct {
	Path  string `json:"path"`
	Nodes string `json:"nodes"`

	Request struct {
		URI string `json:"uri"` // the path in Caddy's log
	} `json:"request"`
}

// node returns the node that answered: the last one tried.
func (l logLine) node() string {
	tried := strings.Split(l.Nodes, ", ")
	return tried[len(tried)-1]
}

// awaitLog waits until the load balancer has logged n requests for an API path.
func (d *deployment) awaitLog(t *testing.T, path string, n int) (lines []logLine) {
	t.Helper()
	d.eventually(t, "the load balancer logs "+path, func() bool {
		lines = nil
		for line := range strings.Lines(d.balancer.output(t)) {
			var l logLine
			if json.Unmarshal([]byte(line), &l) == nil && cmp.Or(l.Path, l.Request.URI) == api+path {
				lines = append(lines, l)
			}
		}
		return len(lines) >= n
	})
	return lines
}
