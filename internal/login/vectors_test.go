package login

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

type vector struct {
	Name, Text, Error string
	Pins              *pins
	Want              struct{ Kind, Random, Pool string }
}

// pins are what a phone trusts; here they are the server's settings.
type pins struct {
	Origins, AppLinks []string
	Pool              string
}

// lenient are texts that phones refuse and the server reads, as SDKs send them: it ignores
// all but the id of a JSON text. A code that it names must be stored in any case.
var lenient = []string{
	"JSON of another scene", "JSON whose scene is null", "JSON with a key in other case", "JSON whose pool is a number",
	"JSON longer than a QR code can be",
	"a link longer than a QR code can be",
}

// TestTextsAreReadAsInTheVectors holds the server against the test cases for phones. Ids of
// Authing's samples are no codes of this server; which pool a phone expects
// is not its matter.
func TestTextsAreReadAsInTheVectors(t *testing.T) {
	cases := 0
	for _, file := range []string{"payloads.json", "links.json"} {
		data, err := os.ReadFile(filepath.Join("../../clients/vectors", file))
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Pins  pins
			Cases []vector
		}
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Cases {
			p := v.Pins
			if c.Pins != nil {
				p = *c.Pins
			}
			if checkVector(t, c, p, file == "links.json") {
				cases++
			}
		}
	}
	if cases < 100 {
		t.Errorf("only %d cases apply", cases)
	}
}

// checkVector reports whether the case applies to the server.
func checkVector(t *testing.T, c vector, p pins, onlyLinks bool) bool {
	t.Helper()
	_, notOurs := session.ParseID(c.Want.Random)
	switch {
	case c.Error == "other-pool", slices.Contains(lenient, c.Name):
		return false
	case onlyLinks && c.Error != "" && !strings.Contains(c.Text, "/"):
		return false // a code that is no link
	}
	pools := []*pool.Pool{newPool(func(n *pool.Pool) { n.ID = cmp.Or(p.Pool, n.ID) })}
	for _, link := range p.AppLinks {
		pools = append(pools, newPool(func(p *pool.Pool) { p.ID, p.AppIDs, p.AppLink = link, nil, link }))
	}
	f := newService(t, func(o *Options) { o.PublicURL = p.Origins[0] }, pools...)
	name, err := f.readCode(c.Text)
	typed, isTyped := pool.ParseTypedCode(c.Text)
	if isTyped && c.Error == "" && c.Want.Kind != "typed" || c.Want.Kind == "typed" && typed != c.Want.Random {
		t.Errorf("%s: read as the typed code %q", c.Name, typed)
	}
	switch {
	case c.Error != "" || notOurs != nil:
		if err == nil && (name.pool == "" || f.pools.ByID(name.pool) != nil) { // in another pool it is unknown
			t.Errorf("%s: read as %+v", c.Name, name)
		}
	case err != nil || string(name.id) != c.Want.Random:
		t.Errorf("%s: %+v, %v", c.Name, name, err)
	case c.Want.Kind == "link" && name.pool != c.Want.Pool, c.Want.Kind != "link" && name.pool != "":
		t.Errorf("%s: pool %q", c.Name, name.pool)
	}
	return true
}
