// Package architecture holds tests of the source and of the documents, and nothing
// else: which package may import which, which document names what exists.
package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go/parser"
	"go/token"
)

// TestMain runs the tests in the root of the module, whose files they read.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const module = "github.com/scanlogin/scanlogin"

// mayImport says which of our packages each package may import, and which
// foreign ones only it may name. A package that is not here is not expected.
var mayImport = map[string]struct{ ours, foreign []string }{
	"session":                          {},
	"session/memstore":                 {ours: []string{"internal/wakeup", "session"}},
	"session/redisstore":               {ours: []string{"internal/wakeup", "session", "internal/redisclient"}, foreign: []string{"github.com/redis/go-redis/"}},
	"internal/redisclient":             {foreign: []string{"github.com/redis/go-redis/"}},
	"internal/redistest":               {ours: []string{"internal/asynctest", "internal/process", "internal/redisclient"}, foreign: []string{"github.com/redis/go-redis/"}},
	"session/sessiontest":              {ours: []string{"session"}, foreign: []string{"pgregory.net/rapid"}}, // random walks
	"internal/ratelimit":               {ours: []string{"internal/redisclient"}, foreign: []string{"github.com/redis/go-redis/"}},
	"internal/ratelimit/ratelimittest": {ours: []string{"internal/ratelimit"}},
	"internal/webhook/queue":           {ours: []string{"internal/redisclient"}, foreign: []string{"github.com/redis/go-redis/"}},
	"internal/webhook/queue/queuetest": {ours: []string{"internal/webhook/queue"}},
	"hub":                              {ours: []string{"internal/wakeup", "session"}},
	"internal/safehttp":                {},
	"internal/identity":                {ours: []string{"session", "internal/recent", "internal/secret", "internal/safehttp"}, foreign: []string{"github.com/golang-jwt/", "github.com/MicahParks/", "golang.org/x/sync/", "golang.org/x/time/"}},
	"internal/pool":                    {ours: []string{"session", "internal/secret", "internal/identity"}},
	"internal/authorization":           {ours: []string{"session", "internal/kv", "internal/secret"}},
	"internal/association":             {ours: []string{"internal/pool"}},
	"internal/ipaddr":                  {},
	"internal/token":                   {ours: []string{"session", "internal/pool"}, foreign: []string{"github.com/golang-jwt/"}},
	"internal/risk":                    {ours: []string{"session", "internal/ipaddr", "internal/pool", "internal/ratelimit"}},
	"internal/login":                   {ours: []string{"session", "internal/authorization", "internal/fairshare", "internal/identity", "internal/ipaddr", "internal/kv", "internal/loglimit", "internal/pool", "internal/ratelimit", "internal/risk", "internal/token"}},
	"internal/geoip":                   {foreign: []string{"github.com/oschwald/maxminddb-golang/"}},
	"internal/geoip/geoiptest":         {foreign: []string{"github.com/maxmind/mmdbwriter"}},
	"internal/webhook":                 {ours: []string{"internal/wakeup", "session", "hub", "internal/webhook/queue", "internal/pool", "internal/safehttp", "internal/loglimit"}, foreign: []string{"golang.org/x/sync/"}},
	"web":                              {foreign: []string{"github.com/andybalholm/brotli"}},
	"web/reference":                    {foreign: []string{"github.com/goccy/go-yaml"}},
	"internal/kv":                      {ours: []string{"internal/redisclient"}, foreign: []string{"github.com/redis/go-redis/"}},
	"internal/kv/kvtest":               {ours: []string{"internal/kv"}},
	"internal/settings":                {ours: []string{"internal/wakeup", "internal/config", "internal/kv", "internal/pool"}},
	"internal/admin/stats":             {ours: []string{"session", "internal/kv"}},
	"internal/admin":                   {ours: []string{"internal/config", "internal/pool", "internal/secret", "internal/settings", "session", "internal/kv", "internal/admin/stats", "web", "internal/webhook"}, foreign: []string{"golang.org/x/time/"}},
	"server": {ours: []string{"session", "hub", "internal/association", "internal/expiry", "internal/fairqueue", "internal/identity", "internal/ipaddr", "internal/login", "internal/loglimit", "internal/pool", "internal/qr/draw", "internal/recent", "internal/risk", "internal/token", "internal/useragent", "web", "server/authing", "server/connlimit", "server/oidc", "server/push", "server/wire"}, foreign: []string{
		"github.com/labstack/echo/", "golang.org/x/text/",
	}},
	"server/connlimit":              {ours: []string{"internal/loglimit"}},
	"server/authing":                {ours: []string{"session", "internal/login", "internal/pool"}},
	"server/push":                   {ours: []string{"session", "hub", "internal/fairqueue", "internal/ipaddr", "internal/login", "internal/loglimit", "internal/pool", "internal/wakeup", "server/push/wsconn", "server/wire"}},
	"server/oidc":                   {ours: []string{"session", "internal/authorization", "internal/login", "internal/loglimit", "internal/pool", "internal/token", "web"}},
	"server/wire":                   {ours: []string{"session", "internal/login"}},
	"server/push/wsconn":            {foreign: []string{"github.com/coder/websocket"}},
	"server/push/wsconn/wsconntest": {},
	"test/program":                  {},
	"test/mutation":                 {},
	"test/licenses":                 {},
	"test/proxy":                    {foreign: []string{"golang.org/x/mod/"}},
	"test/attack":                   {ours: []string{"internal/process"}, foreign: []string{"github.com/alecthomas/kong", "github.com/coder/websocket"}},
	"internal/audit":                {ours: []string{"internal/wakeup", "session"}},
	"internal/metrics":              {ours: []string{"session", "hub"}, foreign: []string{"github.com/prometheus/client_golang/"}},
	"internal/tracing":              {ours: []string{"session"}, foreign: []string{"go.opentelemetry.io/"}},
	"internal/config": {
		ours:    []string{"session", "internal/association", "internal/redisclient", "internal/geoip", "internal/identity", "internal/pool", "internal/safefile", "internal/safehttp", "internal/secret", "internal/webhook"},
		foreign: []string{"github.com/goccy/go-yaml"},
	},
	"internal/config/configtest": {},
	"internal/safefile":          {},
	"internal/qr":                {foreign: []string{"github.com/caiguanhao/readqr"}},
	"internal/qr/draw":           {foreign: []string{"github.com/skip2/go-qrcode"}},
	"internal/app": {ours: []string{
		"internal/admin", "internal/admin/stats", "internal/audit", "internal/authorization", "internal/config", "internal/geoip", "internal/kv", "internal/login", "internal/metrics", "internal/pool", "internal/qr/draw",
		"internal/ratelimit", "internal/redisclient", "internal/secret", "internal/settings", "internal/token", "internal/tracing", "internal/webhook", "internal/webhook/queue", "hub", "server", "session", "session/memstore", "session/redisstore", "web",
	}, foreign: []string{"github.com/golang-jwt/"}},
	"cmd/scanlogin": {ours: []string{
		"internal/admin", "internal/app", "internal/config", "internal/garbage", "internal/kv", "internal/phone", "internal/pool", "internal/qr", "internal/redisclient", "internal/safefile", "internal/secret", "internal/settings", "internal/webhook",
	}, foreign: []string{"github.com/alecthomas/kong"}},
	"internal/phone":     {ours: []string{"session"}},
	"internal/fairshare": {},
	"internal/asynctest": {},
	"internal/secret":    {},
	"internal/wakeup":    {},
	"internal/expiry":    {ours: []string{"session"}},
	"internal/fairqueue": {},
	"internal/useragent": {ours: []string{"internal/recent"}, foreign: []string{"github.com/mileusna/useragent"}},
	"internal/loglimit":  {},
	"internal/garbage":   {},
	"internal/process":   {},
	"internal/recent":    {},
	"examples/oidc":      {foreign: []string{"github.com/coreos/go-oidc/", "golang.org/x/oauth2"}},
	"test/chaos":         {ours: []string{"test/chaos/actors", "test/chaos/history", "test/chaos/cluster", "test/chaos/faults", "test/chaos/checker"}, foreign: []string{"github.com/alecthomas/kong"}},
	"test/chaos/history": {},
	"test/chaos/checker": {ours: []string{"test/chaos/history"}, foreign: []string{"github.com/anishathalye/porcupine"}},
	"test/chaos/actors":  {ours: []string{"test/chaos/history"}, foreign: []string{"github.com/coder/websocket", "github.com/golang-jwt/"}},
	"test/chaos/cluster": {ours: []string{"internal/process"}, foreign: []string{"github.com/redis/go-redis/"}},
	"test/chaos/faults":  {ours: []string{"test/chaos/history", "test/chaos/cluster"}},
}

type listed struct {
	ImportPath, Name, Dir string
	GoFiles, Imports      []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Dir,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 { // others hold tests only
			all = append(all, p)
		}
	}
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		may, known := mayImport[name]
		if !known {
			t.Errorf("package %s is not listed here: a new one needs a reason in DECISIONS.md", name)
			continue
		}
		for _, path := range p.Imports {
			ours, isOurs := strings.CutPrefix(path, module+"/")
			switch {
			case isOurs && !slices.Contains(may.ours, ours):
				t.Errorf("%s imports %s", name, ours)
			case !isOurs && strings.Contains(path, ".") && !slices.ContainsFunc(may.foreign, func(p string) bool { return strings.HasPrefix(path, p) }):
				t.Errorf("%s names %s", name, path)
			}
		}
		for _, ours := range may.ours {
			if !slices.Contains(p.Imports, module+"/"+ours) {
				t.Errorf("%s does not import %s: remove it here", name, ours)
			}
		}
		for _, prefix := range may.foreign {
			if !slices.ContainsFunc(p.Imports, func(path string) bool { return strings.HasPrefix(path, prefix) }) {
				t.Errorf("%s does not import %s: remove it here", name, prefix)
			}
		}
	}
}

func TestEachPackageHasAComment(t *testing.T) {
	for _, p := range packages(t) {
		want, found := "Package "+p.Name+" ", false
		if p.Name == "main" {
			want = "Command "
		}
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.HasPrefix(f.Doc.Text(), want)
		}
		if !found {
			t.Errorf("%s has no comment that begins with %q", p.ImportPath, want)
		}
	}
}
