// Package scanlogin holds nothing but this test: the folder tree is the
// architecture, and who may import whom is checked.
package scanlogin

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go/parser"
	"go/token"
)

const module = "github.com/scanlogin/scanlogin"

// mayImport says which of our packages each package may import, and which
// foreign ones only it may name. A package that is not here is not expected.
var mayImport = map[string]struct{ ours, foreign []string }{
	"session":                      {},
	"session/memstore":             {ours: []string{"session"}},
	"session/redisstore":           {ours: []string{"session", "queue", "shelf", "tally"}, foreign: []string{"github.com/redis/go-redis/"}},
	"session/redisstore/redistest": {foreign: []string{"github.com/redis/go-redis/"}},
	"session/sessiontest":          {ours: []string{"session"}},
	"tally":                        {},
	"tally/tallytest":              {ours: []string{"tally"}},
	"queue":                        {},
	"queue/queuetest":              {ours: []string{"queue"}},
	"hub":                          {ours: []string{"session"}},
	"outgoing":                     {},
	"identity":                     {ours: []string{"session", "outgoing"}, foreign: []string{"github.com/golang-jwt/", "github.com/MicahParks/", "golang.org/x/sync/", "golang.org/x/time/"}},
	"pool":                         {ours: []string{"session", "identity"}},
	"geo":                          {foreign: []string{"github.com/oschwald/maxminddb-golang/"}},
	"geo/geotest":                  {foreign: []string{"github.com/maxmind/mmdbwriter"}},
	"webhook":                      {ours: []string{"session", "hub", "queue", "pool", "outgoing", "internal/loglimit"}, foreign: []string{"golang.org/x/sync/"}},
	"web":                          {foreign: []string{"github.com/goccy/go-yaml"}}, // for the page made of the descriptions
	"shelf":                        {},
	"overlay":                      {ours: []string{"shelf"}},
	"stats":                        {ours: []string{"session", "server", "shelf"}},
	"console":                      {ours: []string{"overlay", "server", "shelf", "stats", "web", "webhook"}, foreign: []string{"golang.org/x/time/"}},
	"server": {ours: []string{"session", "hub", "identity", "pool", "tally", "web", "internal/fairshare", "internal/loglimit"}, foreign: []string{
		"github.com/labstack/echo/", "github.com/coder/websocket", "github.com/skip2/go-qrcode",
		"github.com/golang-jwt/", "github.com/mileusna/useragent", "golang.org/x/text/",
	}},
	"test/program":  {},
	"test/mutation": {},
	"test/attack":   {ours: []string{"internal/process"}, foreign: []string{"github.com/alecthomas/kong", "github.com/coder/websocket"}},
	"audit":         {ours: []string{"server"}},
	"metrics":       {ours: []string{"session", "hub", "server"}, foreign: []string{"github.com/prometheus/client_golang/"}},
	"tracing":       {ours: []string{"session", "server"}, foreign: []string{"go.opentelemetry.io/"}},
	"cmd/scanlogin": {ours: []string{
		"audit", "console", "overlay", "shelf", "stats", "session", "session/memstore", "session/redisstore", "hub", "geo", "identity", "metrics", "outgoing", "pool", "queue", "server", "tally", "tracing", "web", "webhook",
	}, foreign: []string{
		"github.com/alecthomas/kong", "github.com/goccy/go-yaml", "github.com/makiuchi-d/gozxing",
		"github.com/golang-jwt/", "github.com/redis/go-redis/",
	}},
	"internal/fairshare":    {},
	"internal/loglimit":     {},
	"internal/process":      {},
	"cmd/scanbench":         {ours: []string{"internal/process"}, foreign: []string{"github.com/alecthomas/kong", "github.com/coder/websocket", "github.com/golang-jwt/", "github.com/HdrHistogram/"}},
	"cmd/scanchaos":         {ours: []string{"cmd/scanchaos/cast", "cmd/scanchaos/history", "cmd/scanchaos/rig", "cmd/scanchaos/strike", "cmd/scanchaos/verdict"}, foreign: []string{"github.com/alecthomas/kong"}},
	"cmd/scanchaos/history": {},
	"cmd/scanchaos/verdict": {ours: []string{"cmd/scanchaos/history"}, foreign: []string{"github.com/anishathalye/porcupine"}},
	"cmd/scanchaos/cast":    {ours: []string{"cmd/scanchaos/history"}, foreign: []string{"github.com/coder/websocket", "github.com/golang-jwt/"}},
	"cmd/scanchaos/rig":     {ours: []string{"internal/process"}, foreign: []string{"github.com/redis/go-redis/"}},
	"cmd/scanchaos/strike":  {ours: []string{"cmd/scanchaos/history", "cmd/scanchaos/rig"}},
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
			t.Errorf("package %s is not in the plan of the house: a new one needs a reason, in DECISIONS.md and here", name)
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
	}
}

func TestEachPackageSaysWhatItPromises(t *testing.T) {
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
