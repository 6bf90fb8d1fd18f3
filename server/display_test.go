package server_test

import (
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// The User-Agent of the page is shown on the consent screen of another user: only known names are
// shown.
func TestTheConsentScreenShowsNoTextOfTheUserAgent(t *testing.T) {
	st := memstore.New()
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) {
		o.Place = func(netip.Addr, string) (string, string) {
			return "DE", "Berlin\u202e\n\u200b, Germany\u2028" + strings.Repeat("x", 1000)
		}
	}, newPool(t, nil))
	for agent, want := range map[string][4]string{ // in English, in Chinese
		"": {"Unknown browser", "Unknown system", "未知浏览器", "未知系统"},
		"\u202eYour bank: routine security check, press Agree":                             {"Unknown browser", "Unknown system", "未知浏览器", "未知系统"},
		"Your bank: press Agree":                                                           {"Unknown browser", "Unknown system", "未知浏览器", "未知系统"},
		"Mozilla/5.0 (Windows NT 10.0) Chrome/131.0 Safari/537.36 Your-bank/1.0":           {"Unknown browser", "Windows", "未知浏览器", "Windows"},
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0 Safari/537.36":                   {"Chrome 131", "Linux", "Chrome 131", "Linux"},
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/99999999.1 Safari/537.36":                  {"Chrome", "Linux", "Chrome", "Linux"},
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/-1.-2 Safari/537.36":                       {"Chrome", "Linux", "Chrome", "Linux"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) MicroMessenger/8.0.50":     {"WeChat 8", "iOS 18.1", "WeChat 8", "iOS 18.1"},
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0 Safari/537.36\u2067\u0085\u200b": {"Chrome 131", "Linux", "Chrome 131", "Linux"},
	} {
		random := n.gene("p1", "User-Agent", agent).random
		for lang, words := range map[string][]string{"en": want[:2], "zh": want[2:]} {
			browser := n.call("POST", "/scanned", map[string]any{"random": random}, "Authorization", "Bearer "+userToken(t, "alice"), "Accept-Language", lang).ok()["browser"].(map[string]any)
			if browser["browser"] != words[0] || browser["os"] != words[1] {
				t.Errorf("%q in %s: %q on %q, want %q", agent, lang, browser["browser"], browser["os"], words)
			}
			for name, value := range browser {
				if text := value.(string); strings.ContainsFunc(text, isHidden) {
					t.Errorf("%q in %s: %s is %q", agent, lang, name, text)
				}
			}
			if place := browser["place"].(string); !strings.HasPrefix(place, "Berlin , Germany x") || len([]rune(place)) > 100 {
				t.Errorf("the place is %q", place)
			}
		}
	}
}

func isHidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// The login page shows who scanned.
func TestThePageShowsNoHiddenCharacters(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for name, want := range map[string]string{
		"Al\u202eice\u0000\u2066":  "Alice",
		"Al\nice\t\u2028B.":        "Al ice B.",
		"\u200b\u2060\u00ad\ufeff": "",
		"Ali\u200dce 👩\u200d💻":     "Ali\u200dce 👩\u200d💻",
	} {
		c := n.gene("p1")
		token := tokenWith(t, userKey, jwt.MapClaims{"nickname": name, "picture": "https://x.example/a\u202eb.png", "email": "a\u202e@x", "preferred_username": "al\u200b"})
		n.call("POST", "/scanned", map[string]any{"random": c.random}, "Authorization", "Bearer "+token).ok()
		info := n.check(c)["userInfo"].(map[string]any)
		if nickname, _ := info["nickname"].(string); nickname != want {
			t.Errorf("%q is shown as %q, want %q", name, nickname, want)
		}
		if photo, _ := info["photo"].(string); photo != "" {
			t.Errorf("the photo is %q", photo)
		}
	}
}
