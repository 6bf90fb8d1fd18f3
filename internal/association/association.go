// Package association has the files by which a host tells Apple's and Google's systems which
// apps open its links and may use the passwords that were saved for it.
//
// A file covers all pools of the host. Each app gets only the links of its pools,
// /s/<pool>/…: on iOS, and on Android 15 or later. The files follow
// https://developer.apple.com/documentation/xcode/supporting-associated-domains and
// https://developer.android.com/training/app-links/configure-assetlinks.
package association

import (
	"encoding/json"
	"slices"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// MaxApple is the largest file that Apple's systems read, in bytes:
// https://developer.apple.com/library/archive/documentation/General/Conceptual/AppSearch/UniversalLinks.html
const MaxApple = 128 << 10

// component matches links by their path.
type component struct {
	Path string `json:"/"`
}

// linksOf matches the links of a pool, whose id has no character with a meaning in patterns.
func linksOf(p *pool.Pool) component { return component{"/s/" + p.ID + "/*"} }

type appleFile struct {
	AppLinks struct {
		Details []appleDetail `json:"details"`
	} `json:"applinks"`
	WebCredentials struct {
		Apps []string `json:"apps"`
	} `json:"webcredentials"`
}

type appleDetail struct {
	AppIDs     []string    `json:"appIDs"`
	Components []component `json:"components"`
}

// Apple returns apple-app-site-association in JSON; nil if no pool has an app for iOS. An app
// of several pools has one entry.
func Apple(pools []*pool.Pool) []byte {
	var file appleFile
	apps, details := &file.WebCredentials.Apps, &file.AppLinks.Details
	for _, p := range pools {
		for _, app := range p.Apps.IOS {
			i := slices.Index(*apps, app)
			if i < 0 {
				i = len(*apps)
				*apps = append(*apps, app)
				*details = append(*details, appleDetail{AppIDs: []string{app}})
			}
			(*details)[i].Components = append((*details)[i].Components, linksOf(p))
		}
	}
	if len(*apps) == 0 {
		return nil
	}
	return encode(file)
}

// The relations of Digital Asset Links that an app gets.
const (
	handleLinks = "delegate_permission/common.handle_all_urls"
	shareLogins = "delegate_permission/common.get_login_creds"
)

type statement struct {
	Relation   []string            `json:"relation"`
	Target     target              `json:"target"`
	Extensions map[string]dynamics `json:"relation_extensions"`
}

type target struct {
	Namespace string   `json:"namespace"`
	Package   string   `json:"package_name"`
	SHA256    []string `json:"sha256_cert_fingerprints"`
}

// dynamics limits the links of an app, from Android 15 on; earlier releases ignore it.
type dynamics struct {
	Components []component `json:"dynamic_app_link_components"`
}

// signed is an app that is signed with one certificate, and its links.
type signed struct {
	name, sha256 string
	links        []component
}

// Android returns assetlinks.json; nil if no pool has an app for Android. An app of several
// pools has one statement, because Android reads only one list of paths for each app.
func Android(pools []*pool.Pool) []byte {
	var statements []statement
	for _, app := range signedApps(pools) {
		i := slices.IndexFunc(statements, func(s statement) bool {
			return s.Target.Package == app.name && slices.Equal(s.Extensions[handleLinks].Components, app.links)
		})
		if i < 0 {
			i = len(statements)
			statements = append(statements, statement{
				Relation:   []string{handleLinks, shareLogins},
				Target:     target{Namespace: "android_app", Package: app.name},
				Extensions: map[string]dynamics{handleLinks: {app.links}},
			})
		}
		statements[i].Target.SHA256 = append(statements[i].Target.SHA256, app.sha256)
	}
	if len(statements) == 0 {
		return nil
	}
	return encode(statements)
}

// signedApps returns the Android apps of all pools, each certificate of an app by itself.
func signedApps(pools []*pool.Pool) (all []signed) {
	for _, p := range pools {
		for _, app := range p.Apps.Android {
			for _, sha256 := range app.SHA256 {
				i := slices.IndexFunc(all, func(s signed) bool { return s.name == app.Package && s.sha256 == sha256 })
				if i < 0 {
					i = len(all)
					all = append(all, signed{name: app.Package, sha256: sha256})
				}
				all[i].links = append(all[i].links, linksOf(p))
			}
		}
	}
	return all
}

// encode returns JSON; the types of this package always have it.
func encode(file any) []byte {
	text, err := json.Marshal(file)
	if err != nil {
		panic(err)
	}
	return text
}
