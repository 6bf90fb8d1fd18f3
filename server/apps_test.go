package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

const (
	fingerprintA = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"
	fingerprintB = "00:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"

	applePath   = "/.well-known/apple-app-site-association"
	androidPath = "/.well-known/assetlinks.json"
)

// withApps is the first pool with an app for each system, and links in its pictures.
func withApps(t testing.TB) *pool.Pool {
	return newPool(t, func(p *pool.Pool) {
		p.PayloadFormat = pool.PayloadURL
		p.Apps = pool.Apps{IOS: []string{"ABCDE12345.com.example.shop"}, Android: []pool.AndroidApp{{Package: "com.example.shop", SHA256: []string{fingerprintA}}}}
	})
}

// file returns an association file, as a client that follows no redirect gets it.
func (n *node) file(path string) (header http.Header, text string) {
	n.Helper()
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		req, err := http.NewRequestWithContext(n.Context(), method, n.url+path, nil)
		if err != nil {
			n.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			n.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			n.Fatalf("%s %s: %d, %v", method, path, res.StatusCode, err)
		}
		header, text = res.Header, string(body)
	}
	return header, text
}

// TestAssociationFilesAreAsAppleAndGoogleRequire compares the files, of pools that share
// apps, with what is quoted here.
//
// https://developer.apple.com/documentation/xcode/supporting-associated-domains: "The file's
// URL should match the following format: https://<fully qualified domain>/.well-known/
// apple-app-site-association. You must host the file using https:// with a valid certificate
// and with no redirects." Its example has "applinks": {"details": [{"appIDs":
// ["ABCDE12345.com.example.app", …], "components": [{"/": "/help/website/*"}]}]} and
// "webcredentials": {"apps": ["ABCDE12345.com.example.app"]}.
//
// https://developer.android.com/training/app-links/configure-assetlinks: "The assetlinks.json
// file is served with content-type application/json"; it "must be accessible without any
// redirects (no 301 or 302 redirects)"; "declare only one dynamic_app_link_components object
// across the statements for a given site, relation, and app"; "If no matches are found in the
// list of declared components, the URL won't open the app". Fingerprints are as in its
// example: "14:6D:E9:83:…".
func TestAssociationFilesAreAsAppleAndGoogleRequire(t *testing.T) {
	second := secondPool(t)
	second.Apps = pool.Apps{
		IOS: []string{"ABCDE12345.com.example.shop", "FGHIJ67890.com.example.other"},
		Android: []pool.AndroidApp{
			{Package: "com.example.shop", SHA256: []string{fingerprintB, fingerprintA}},
			{Package: "com.example.other", SHA256: []string{fingerprintA, fingerprintB}},
		},
	}
	n := alone(t, withApps(t), second, newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs = "without-apps", nil }))
	const relations = `"relation": ["delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"]`
	paths := func(list string) string {
		return `"relation_extensions": {"delegate_permission/common.handle_all_urls": {"dynamic_app_link_components": [` + list + `]}}`
	}
	target := func(name, fingerprints string) string {
		return `"target": {"namespace": "android_app", "package_name": "` + name + `", "sha256_cert_fingerprints": [` + fingerprints + `]}`
	}
	for path, want := range map[string]string{
		applePath: `{
			"applinks": {"details": [
				{"appIDs": ["ABCDE12345.com.example.shop"], "components": [{"/": "/s/p1/*"}, {"/": "/s/p2/*"}]},
				{"appIDs": ["FGHIJ67890.com.example.other"], "components": [{"/": "/s/p2/*"}]}]},
			"webcredentials": {"apps": ["ABCDE12345.com.example.shop", "FGHIJ67890.com.example.other"]}}`,
		androidPath: `[
			{` + relations + `, ` + target("com.example.shop", `"`+fingerprintA+`"`) + `, ` + paths(`{"/": "/s/p1/*"}, {"/": "/s/p2/*"}`) + `},
			{` + relations + `, ` + target("com.example.shop", `"`+fingerprintB+`"`) + `, ` + paths(`{"/": "/s/p2/*"}`) + `},
			{` + relations + `, ` + target("com.example.other", `"`+fingerprintA+`", "`+fingerprintB+`"`) + `, ` + paths(`{"/": "/s/p2/*"}`) + `}]`,
	} {
		header, text := n.file(path)
		var got, wanted any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s is %s", path, text)
		}
		if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "public, max-age=300" || header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestAssociationFilesFollowThePools(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, path := range []string{applePath, androidPath} {
		n.call("GET", path, nil).refused(404, 404)
	}
	n.pools.Replace(withApps(t))
	for _, path := range []string{applePath, androidPath} {
		if _, text := n.file(path); !strings.Contains(text, `"/s/p1/*"`) {
			t.Errorf("%s has %s after a reload", path, text)
		}
	}
	n.pools.Replace(newPool(t, func(p *pool.Pool) { p.Apps.IOS = []string{"ABCDE12345.com.example.shop"} }))
	n.file(applePath)
	n.call("GET", androidPath, nil).refused(404, 404)
}

func TestPicturesNameThePoolIfItHasApps(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pool.Pool)
		want   string
	}{
		"links":          {func(*pool.Pool) {}, "/s/p1/{random}"},
		"only Android":   {func(p *pool.Pool) { p.Apps.IOS = nil }, "/s/p1/{random}"},
		"without apps":   {func(p *pool.Pool) { p.Apps = pool.Apps{} }, "/s/{random}"},
		"with app link":  {func(p *pool.Pool) { p.AppLink = "shop://login/{random}" }, "shop://login/{random}"},
		"in JSON format": {func(p *pool.Pool) { p.PayloadFormat = pool.PayloadJSON }, "{"},
	} {
		p := withApps(t)
		test.change(p)
		n := alone(t, p)
		c := n.gene("p1")
		want := strings.ReplaceAll(test.want, "{random}", c.random)
		if strings.HasPrefix(want, "/") {
			want = n.url + want
		}
		if c.payload != want && test.want != "{" || !strings.HasPrefix(c.payload, want) {
			t.Errorf("%s: the picture contains %s", name, c.payload)
		}
		socket := n.dial("userPoolId=p1", nil)
		message := socket.event("code")
		if got := message["payload"].(string); test.want == "/s/p1/{random}" && got != n.url+"/s/p1/"+message["random"].(string) {
			t.Errorf("%s: the picture of a socket contains %s", name, got)
		}
	}
}

// TestBothFormsOfALinkAreTheCode also where the pool has no apps: they may have been removed
// from the configuration since the picture was drawn.
func TestBothFormsOfALinkAreTheCode(t *testing.T) {
	for name, p := range map[string]*pool.Pool{"with apps": withApps(t), "without": newPool(t, nil)} {
		n := alone(t, p, secondPool(t))
		for _, form := range []string{"/s/", "/s/p1/"} {
			c := n.gene("p1")
			if a := n.call("GET", form+c.random+"?utm=1", nil); a.status != 200 || !strings.Contains(a.raw, "Example") {
				t.Errorf("%s: the page at %s is %d %s", name, form, a.status, a.raw)
			}
			for _, step := range []string{"scanned", "confirm"} {
				n.phone(step, n.url+form+c.random+"?utm=1#top", "alice").ok()
			}
		}
	}
}

// TestACodeIsUnknownInAnotherPool compares each answer with that for a code that does not exist.
func TestACodeIsUnknownInAnotherPool(t *testing.T) {
	n := alone(t, withApps(t), secondPool(t))
	c, nobodys := n.gene("p1"), string(session.NewID())
	for _, wrong := range []string{"p2", "P1", "app1", "nobody", strings.Repeat("a", 30), "%70%31x"} {
		n.call("GET", "/s/"+wrong+"/"+c.random, nil).refused(404, 2241)
		if a := n.call("GET", "/s/"+wrong+"/"+c.random, nil, "Accept", "text/html"); a.status != 404 || !strings.Contains(a.raw, "no longer valid") {
			t.Errorf("to a person: %d %s", a.status, a.raw)
		}
		for _, step := range []string{"scanned", "confirm", "cancel"} {
			known, unknown := n.phone(step, n.url+"/s/"+wrong+"/"+c.random, "alice"), n.phone(step, n.url+"/s/p1/"+nobodys, "alice")
			known.refused(404, 500)
			if known.raw != unknown.raw {
				t.Errorf("%s, %s: %s, and for no code %s", step, wrong, known.raw, unknown.raw)
			}
		}
	}
	n.phone("scanned", n.url+"/s/p1/"+c.random, "alice").ok()
}

// TestGuessingThePoolOfACodeIsLimited guesses pools of a code that exists.
func TestGuessingThePoolOfACodeIsLimited(t *testing.T) {
	n := limited(t, login.Limits{MissRate: 1})
	c := n.gene("p1")
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("GET", "/s/p2/"+c.random, nil) }); got == 100 {
		t.Error("no limit for the page")
	}
	if a := n.call("GET", "/s/p2/"+c.random, nil, "Accept", "text/html"); a.status != 429 || !strings.Contains(a.raw, "The login service is busy") {
		t.Errorf("a person gets %d %s", a.status, a.raw)
	}
	n = limited(t, login.Limits{MissRate: 1})
	c = n.gene("p1")
	if got := callsBeforeRefusal(t, 100, func() answer { return n.phone("scanned", n.url+"/s/p2/"+c.random, "alice") }); got == 100 {
		t.Error("no limit for phones")
	}
}

func TestAPoolsLinkLeadsToItsApp(t *testing.T) {
	p := withApps(t)
	p.AppLink = "example://login/{random}"
	n := alone(t, p)
	c := n.gene("p1")
	if a := n.call("GET", "/s/p1/"+c.random, nil); a.status != 302 || a.Get("Location") != "example://login/"+c.random {
		t.Errorf("%d to %s", a.status, a.Get("Location"))
	}
}

func TestPagesGetThePoolsColor(t *testing.T) {
	for color, want := range map[string]any{"#C2185b": "#c2185b", pool.DefaultBrandColor: nil, "": nil} {
		n := alone(t, newPool(t, func(p *pool.Pool) { p.BrandColor = color }))
		g := n.call("POST", "/gene", map[string]any{"userPoolId": "p1"}).ok()
		if g["brandColor"] != want {
			t.Errorf("gene: %v, want %v", g["brandColor"], want)
		}
		if message := n.dial("userPoolId=p1", nil).event("code"); message["brandColor"] != want {
			t.Errorf("socket: %v, want %v", message["brandColor"], want)
		}
		page := n.call("GET", "/s/"+g["random"].(string), nil).raw
		if colored := strings.Contains(page, `href="/assets/brand/c2185b.css"`) && strings.Contains(page, `href="/assets/brand/c2185b.svg"`); colored != (want != nil) {
			t.Errorf("%q: %s", color, page)
		}
	}
}
