package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
)

const (
	// https://developer.android.com/training/app-links/configure-assetlinks writes it so.
	fingerprint = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"
	withApps    = "    payload_format: url\n    apps:\n"
)

func TestFingerprintsAreAcceptedInAllFormsAndWrittenInOne(t *testing.T) {
	plain := strings.ReplaceAll(fingerprint, ":", "")
	for _, form := range []string{fingerprint, strings.ToLower(fingerprint), plain, strings.ToLower(plain)} {
		p := mustLoad(t, good+withApps+"      android: [{package: com.example.shop, sha256: [\""+form+"\", "+plain+"]}]\n").UserPools[0]
		want := pool.Apps{Android: []pool.AndroidApp{{Package: "com.example.shop", SHA256: []string{fingerprint}}}}
		if !reflect.DeepEqual(p.Apps, want) {
			t.Errorf("%s became %+v", form, p.Apps)
		}
	}
}

func TestMalformedAppsAreRefusedWithLineAndCure(t *testing.T) {
	android := func(name, sha256 string) string {
		return "      android: [{package: " + name + ", sha256: [" + sha256 + "]}]\n"
	}
	const quoted = "\"" + fingerprint + "\""
	mustLoad(t, good+withApps+"      android:\n        - package: a.b\n          sha256:\n            - "+fingerprint+"\n") // without quotes
	for lines, want := range map[string]string{
		"      ios: [com.example.shop]\n":                                  "scanlogin.yaml:7:13: pools[0].apps.ios[0]: must be TEAMID.bundle, such as ABCDE12345.com.example.shop, and begin with the team id",
		"      ios: [abcde12345.com.example.shop]\n":                       "begin with the team id: ten capital letters",
		"      ios: [ABCDE1234.com.example.shop]\n":                        "begin with the team id",
		"      ios: [ABCDE12345]\n":                                        "end with the bundle id",
		"      ios: [ABCDE12345.]\n":                                       "end with the bundle id",
		"      ios: [\"ABCDE12345.com.example.*\"]\n":                      "no patterns",
		"      ios: [ABCDE12345.com..shop]\n":                              "single periods",
		"      ios: [ABCDE12345.a.b, ABCDE12345.a.b]\n":                    "apps.ios[1]: is a duplicate",
		"      ios: ABCDE12345.a.b\n":                                      "must be a list",
		android("shop", quoted):                                            "scanlogin.yaml:7:27: pools[0].apps.android[0].package: must be the application id",
		android("com.example.9shop", quoted):                               "each beginning with a letter",
		android("com.example.shop-app", quoted):                            "must be the application id",
		"      android: [{sha256: [\"" + fingerprint + "\"]}]\n":           "android[0].package: is required",
		"      android: [{package: a.b}]\n":                                "android[0].sha256: is required",
		android("a.b", fingerprint):                                        "must be a single value; text with a colon needs quotes inside [ ]",
		android("a.b", ""):                                                 "sha256: is required: at least one",
		android("a.b", "\"\""):                                             "sha256[0]: must be the SHA-256 fingerprint",
		android("a.b", "\""+fingerprint[3:]+"\""):                          "scanlogin.yaml:7:41: pools[0].apps.android[0].sha256[0]: must be the SHA-256 fingerprint",
		android("a.b", "\""+fingerprint[:59]+"\""):                         "is a SHA-1 fingerprint; `keytool -list -v` prints",
		android("a.b", "\""+strings.Replace(fingerprint, ":", "", 1)+"\""): "with or without colons",
		android("a.b", "\":"+fingerprint+"\""):                             "with or without colons",
		android("a.b", "\"G4"+fingerprint[2:]+"\""):                        "32 bytes in hexadecimal",
		"      android: [{package: a.b, sha256: [\"" + fingerprint + "\"]}, {package: a.b, sha256: [\"" + fingerprint + "\"]}]\n": "android[1].package: is a duplicate; list all fingerprints in one sha256",
		"      windows: [x]\n": "key \"windows\" is unknown; known here: ios, android",
	} {
		if got := strings.Join(refusals(t, good+withApps+lines), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", lines, got, want)
		}
	}
}

func TestPoolsThatALinkCannotNameHaveNoApps(t *testing.T) {
	for _, id := range []string{".", ".."} {
		text := strings.Replace(good, "id: demo", "id: \""+id+"\"", 1)
		mustLoad(t, text)
		if got := refusals(t, text+withApps+"      ios: [ABCDE12345.a.b]\n"); !strings.Contains(got[0], "pools[0].id: cannot be used with apps") {
			t.Errorf("%s: %s", id, got)
		}
	}
}

func TestMoreAppsThanPhonesReadAreRefused(t *testing.T) {
	var list strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&list, "ABCDE12345.com.example.app%d, ", i)
	}
	if got := refusals(t, good+withApps+"      ios: ["+list.String()+"]\n"); !strings.Contains(got[0], "and phones read 131072; distribute the pools") {
		t.Error(got)
	}
}

func TestAppsThatOpenNoPictureAreWarnedAbout(t *testing.T) {
	const apps = "    apps: {ios: [ABCDE12345.a.b]}\n"
	for text, want := range map[string]string{
		good + apps: "pools[0].apps: open no pictures without payload_format: url",
		good + apps + "    payload_format: url\n    app_link: shop:{random}\n":                             "pools[0].apps: open no pictures with app_link",
		strings.Replace(good, "https:", "http:", 1) + apps + "    payload_format: url\n":                   "pools[0].apps: need a public_url with https and without a port",
		strings.Replace(good, ".com", ".com:8443", 1) + apps + "    payload_format: url\n":                 "pools[0].apps: need a public_url",
		good + apps + "    payload_format: url\n":                                                          "",
		good + "    payload_format: url\n    app_link: shop:{random}\n    apps: {ios: [ABCDE12345.a.b]}\n": "with app_link",
	} {
		var got []string
		for _, w := range mustLoad(t, text).Warnings {
			if strings.Contains(w.Path, "apps") {
				got = append(got, w.String())
			}
		}
		if want == "" && got != nil || !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestBrandColorsMustBeReadable(t *testing.T) {
	for color, want := range map[string]string{
		`"#c2185b"`: "", `"#000000"`: "", `"#0B6E4F"`: "", `"#767676"`: "", // 4.54:1, the lightest gray of WCAG's documents
		`"#777777"`: `has a contrast of 4.4:1 with white, and text needs 4.5:1; use a darker color, such as "#757575"`,
		`"#ffffff"`: "contrast of 1.0:1", `"#ffeb3b"`: "use a darker color, such as",
		"green": `must be #rrggbb`, `"#0b6e4"`: `must be #rrggbb`, `"#0b6e4g"`: `must be #rrggbb`, `""`: `must be #rrggbb`,
		"#0b6e4f": `brand_color: has no value: # begins a comment in YAML`,
	} {
		text := good + "    brand_color: " + color + "\n"
		if want == "" {
			if p := mustLoad(t, text).UserPools[0]; `"`+p.BrandColor+`"` != color {
				t.Errorf("%s became %s", color, p.BrandColor)
			}
		} else if got := strings.Join(refusals(t, text), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", color, got)
		}
	}
	if p := mustLoad(t, good).UserPools[0]; p.BrandColor != pool.DefaultBrandColor || p.OwnColor() != "" {
		t.Errorf("the default is %s, %q", p.BrandColor, p.OwnColor())
	}
}

// TestASuggestedColorIsReadable tries a suggestion for each hue.
func TestASuggestedColorIsReadable(t *testing.T) {
	for _, color := range []string{"#ff0000", "#00ff00", "#ffff00", "#00ffff", "#ff00ff", "#ffffff", "#808080", "#ff9900"} {
		err := checkColor(color)
		if err == nil {
			t.Errorf("%s is accepted", color)
			continue
		}
		_, suggestion, _ := strings.Cut(err.Error(), "such as ")
		if err := checkColor(strings.Trim(suggestion, `"`)); err != nil {
			t.Errorf("%s, the suggestion for %s: %v", suggestion, color, err)
		}
	}
}

// TestAChangedColorKeepsTheApps changes a setting as the console does.
func TestAChangedColorKeepsTheApps(t *testing.T) {
	c := mustLoad(t, good+withApps+"      ios: [ABCDE12345.a.b]\n")
	next, invalid := c.WithPools(PoolTexts{"demo": {"brand_color": "#c2185b"}})
	if p := next.UserPools[0]; len(invalid) > 0 || p.OwnColor() != "#c2185b" || len(p.Apps.IOS) != 1 {
		t.Errorf("%v, %+v", invalid, p)
	}
	if _, invalid := c.WithPools(PoolTexts{"demo": {"brand_color": "#ffffff"}}); len(invalid) != 1 || !strings.Contains(invalid[0].Text, "contrast") {
		t.Errorf("%v", invalid)
	}
	if err := CheckPoolSetting("apps.ios"); err == nil {
		t.Error("the console can change who gets saved passwords")
	}
}
