package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/association"
	"github.com/scanlogin/scanlogin/internal/pool"
)

var (
	// teamID is an application identifier prefix, as Apple assigns it.
	teamID = regexp.MustCompile(`^[A-Z0-9]{10}$`)
	// bundleID allows what Apple allows in CFBundleIdentifier: no wildcards.
	bundleID = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
	// androidPackage is an application id: at least two parts that begin with letters.
	androidPackage = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)
)

const (
	maxAppID = 155 // characters; of a bundle id in App Store Connect
	sha1Size = 20  // bytes
)

func checkIOSApp(text string) error {
	team, bundle, _ := strings.Cut(text, ".")
	switch {
	case !teamID.MatchString(team):
		return errors.New("must be TEAMID.bundle, such as ABCDE12345.com.example.shop, and begin with the team id: ten capital letters and digits, " +
			"which the Apple developer account shows under Membership")
	case !bundleID.MatchString(bundle) || len(bundle) > maxAppID:
		return errors.New("must be TEAMID.bundle, such as ABCDE12345.com.example.shop, and end with the bundle id of the app: letters, digits, hyphens and single periods; no patterns")
	}
	return nil
}

func checkAndroidPackage(text string) error {
	if !androidPackage.MatchString(text) || len(text) > maxAppID {
		return errors.New("must be the application id of the app, such as com.example.shop: at least two parts of letters, digits and _, each beginning with a letter")
	}
	return nil
}

// parseFingerprint returns a fingerprint as Google's documentation writes it: XX:XX:…, in
// upper case.
func parseFingerprint(text string) (string, error) {
	sum, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	colons := strings.Count(text, ":")
	switch {
	case err == nil && len(sum) == sha1Size:
		return "", errors.New("is a SHA-1 fingerprint; `keytool -list -v` prints the SHA-256 fingerprint in the next line")
	case err != nil || len(sum) != sha256.Size || colons != 0 && !isInPairs(text):
		return "", errors.New("must be the SHA-256 fingerprint of a certificate: 32 bytes in hexadecimal, with or without colons, as `keytool -list -v` and Play Console print it")
	}
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":"), nil
}

// isInPairs reports whether there is a colon after every second digit, and none elsewhere.
func isInPairs(text string) bool {
	return !slices.ContainsFunc(strings.Split(text, ":"), func(pair string) bool { return len(pair) != 2 })
}

// buildApps returns the valid apps of a pool.
func buildApps(v Apps) pool.Apps {
	apps := pool.Apps{IOS: slices.Clone(v.IOS)}
	for _, app := range v.Android {
		built := pool.AndroidApp{Package: app.Package}
		for _, text := range app.SHA256 {
			fingerprint, _ := parseFingerprint(text) // was validated
			if !slices.Contains(built.SHA256, fingerprint) {
				built.SHA256 = append(built.SHA256, fingerprint)
			}
		}
		apps.Android = append(apps.Android, built)
	}
	return apps
}

// validateApps refuses apps that are listed twice in a pool, apps without a certificate, and
// pools whose links no app could open.
func (d *document) validateApps() {
	for i, p := range d.values.Pools {
		at := fmt.Sprintf("pools[%d]", i)
		if p.Apps.any() && (p.ID == "." || p.ID == "..") {
			d.refuse(at+".id", "cannot be used with apps: browsers remove it from the path of a link; choose another id")
		}
		for j, app := range p.Apps.IOS {
			if slices.Contains(p.Apps.IOS[:j], app) {
				d.refuse(fmt.Sprintf("%s.apps.ios[%d]", at, j), "is a duplicate; remove one")
			}
		}
		packages := make(map[string]bool)
		for j, app := range p.Apps.Android {
			path := fmt.Sprintf("%s.apps.android[%d]", at, j)
			if packages[app.Package] && app.Package != "" {
				d.refuse(path+".package", "is a duplicate; list all fingerprints in one sha256")
			}
			packages[app.Package] = true
			if len(app.SHA256) == 0 {
				d.refuse(path+".sha256", "is required: at least one fingerprint; `keytool -list -v` and Play Console print it")
			}
		}
	}
}

func (a Apps) any() bool { return len(a.IOS)+len(a.Android) > 0 }

// checkAssociation refuses more apps than phones read.
func (d *document) checkAssociation(pools []*pool.Pool) {
	if n := len(association.Apple(pools)); n > association.MaxApple {
		d.refuse("pools", fmt.Sprintf("list so many iOS apps that apple-app-site-association has %d bytes, and phones read %d; distribute the pools over several hosts", n, association.MaxApple))
	}
}
