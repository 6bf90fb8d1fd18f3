package architecture

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// confined says which files may import a module, whose types must not spread: it can be
// replaced in one place. A place is a folder with what is below it, or "*/name.go" for all
// files of that name. Programs and packages that only test are at the end of each list.
var confined = map[string][]string{
	"github.com/redis/go-redis/":    {"session/redisstore", "*/redis.go", "internal/redisclient", "internal/redistest", "test"},
	"github.com/labstack/echo/":     {"server"},
	"github.com/coder/websocket":    {"server/push/wsconn", "test"},
	"github.com/skip2/go-qrcode":    {"internal/qr/draw"},
	"github.com/golang-jwt/":        {"internal/token", "internal/identity", "internal/app/demo_pages.go", "test"},
	"github.com/alecthomas/kong":    {"cmd/scanlogin", "test"},
	"github.com/prometheus/":        {"internal/metrics"},
	"go.opentelemetry.io/":          {"internal/tracing"},
	"github.com/goccy/go-yaml":      {"internal/config", "web/reference"},
	"github.com/caiguanhao/readqr":  {"internal/qr"},
	"github.com/andybalholm/brotli": {"web"},
}

// allows reports whether a file is in one of the places.
func allows(places []string, file string) bool {
	return slices.ContainsFunc(places, func(place string) bool {
		if name, ok := strings.CutPrefix(place, "*/"); ok {
			return path.Base(file) == name
		}
		return file == place || strings.HasPrefix(file, place+"/")
	})
}

// TestThirdPartyModulesAreConfined reads the imports of all files but those of bench, which
// has its own dependencies. It also fails for a place that does not need the module.
func TestThirdPartyModulesAreConfined(t *testing.T) {
	used := make(map[string]bool) // module and place
	for _, s := range sources(t) {
		if strings.HasPrefix(s.path, "bench/") {
			continue
		}
		for _, spec := range s.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value) // parsed, so quoted
			for module, places := range confined {
				if !strings.HasPrefix(imported, module) {
					continue
				}
				if !allows(places, s.path) {
					t.Errorf("%s imports %s, which is only for %s", s.path, imported, strings.Join(places, ", "))
				}
				for _, place := range places {
					used[module+" "+place] = used[module+" "+place] || allows([]string{place}, s.path)
				}
			}
		}
	}
	for module, places := range confined {
		for _, place := range places {
			if !used[module+" "+place] {
				t.Errorf("%s does not import %s: remove it here", place, module)
			}
		}
	}
}
