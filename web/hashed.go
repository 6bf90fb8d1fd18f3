package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// hashDigits is the length of the hash in a name: two versions of a file share it with a
// probability of 2^-48.
const hashDigits = 12

var (
	hashedName  = regexp.MustCompile(`^(.+)\.([0-9a-f]{12})(\.\w+)$`)
	assetInPage = regexp.MustCompile(`((?:src|href|data-\w+)="/?assets/)([\w./-]+)"`)
	// styleSheets are those that a page loads one after the other.
	styleSheets = regexp.MustCompile(`(?:\s*<link rel="stylesheet" href="/?assets/[\w-]+\.css">){2,}`)
	styleSheet  = regexp.MustCompile(`href="(/?)assets/([\w-]+)\.css"`)
	pageModule  = regexp.MustCompile(`<script type="module" src="(/?)assets/([\w./-]+)"></script>`)
	// inModule is the name of a module in the folder of the assets.
	inModule = regexp.MustCompile(`(['"])\./([\w./-]+\.js)(['"])`)
	// imported is a module that is loaded with the one that names it.
	imported = regexp.MustCompile(`(?m)^(?:import|export)\b[^'"]*['"]\.(\.?)/([\w./-]+)['"]`)
)

// published returns the assets by name. Modules import each other by their names with hashes,
// and each group of style sheets that a page loads is one more asset.
var published = sync.OnceValue(func() map[string]asset {
	all := make(map[string]asset)
	for _, name := range assets {
		all[name] = newAsset(name, content(name))
	}
	pages, err := fs.Glob(files, "*.html")
	if err != nil {
		panic(err) // the pattern is valid
	}
	for _, page := range pages {
		for _, group := range styleSheets.FindAll(read(page), -1) {
			name, body := joined(group)
			all[name] = newAsset(name, body)
		}
	}
	return all
})

// content returns what is delivered under a name.
func content(name string) []byte {
	if path.Ext(name) != ".js" {
		return read(name)
	}
	return inModule.ReplaceAllFunc(read(name), func(match []byte) []byte {
		parts := inModule.FindSubmatch(match)
		used := string(parts[2])
		if !slices.Contains(assets, used) {
			return match // a type in a comment
		}
		return []byte(string(parts[1]) + "./" + withHash(used, content(used)) + string(parts[3]))
	})
}

// joined returns the style sheets of a group as one: login.css after style.css is
// style-login.css.
func joined(group []byte) (name string, body []byte) {
	var names []string
	var all [][]byte
	for _, match := range styleSheet.FindAllSubmatch(group, -1) {
		names = append(names, string(match[2]))
		all = append(all, read(string(match[2])+".css"))
	}
	return strings.Join(names, "-") + ".css", bytes.Join(all, []byte("\n"))
}

// withHash returns a name that changes with the content: login.0123456789ab.js.
func withHash(name string, body []byte) string {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:])[:hashDigits] + ext
}

// serveAsset serves an asset by its name or its name with a hash. During an upgrade a page of one
// version may ask a node of another: it gets the file that the node has, and must not keep it.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	name, hashed := r.PathValue("name"), ""
	if parts := hashedName.FindStringSubmatch(name); parts != nil {
		name, hashed = parts[1]+parts[3], name
	}
	a, ok := published()[name]
	if !ok {
		notFound(w, r)
		return
	}
	if hashed == withHash(name, a.plain.body) {
		a.cacheControl = immutable
	}
	a.ServeHTTP(w, r)
}

// parsePage returns the template of a page with the parts that it includes. A page loads as few
// files as possible, all of them together, and keeps them: style sheets are joined, names have
// hashes, and the modules that a module imports are announced.
func parsePage(name string, parts ...string) *template.Template {
	page := template.Must(template.New(name).Parse(delivered(name)))
	for _, part := range parts {
		template.Must(page.New(part).Parse(delivered(part)))
	}
	return page
}

func delivered(name string) string {
	text := styleSheets.ReplaceAllStringFunc(string(read(name)), func(group string) string {
		sheet, _ := joined([]byte(group))
		root := styleSheet.FindStringSubmatch(group)[1]
		return "\n  " + `<link rel="stylesheet" href="` + root + "assets/" + sheet + `">`
	})
	text = pageModule.ReplaceAllStringFunc(text, func(script string) string {
		parts := pageModule.FindStringSubmatch(script)
		var all strings.Builder
		for _, used := range imports(parts[2], nil) {
			all.WriteString(`<link rel="modulepreload" href="` + parts[1] + used + "\">\n  ")
		}
		return all.String() + script
	})
	return assetInPage.ReplaceAllStringFunc(text, func(reference string) string {
		parts := assetInPage.FindStringSubmatch(reference)
		if a, ok := published()[parts[2]]; ok {
			return parts[1] + withHash(parts[2], a.plain.body) + `"`
		}
		return reference
	})
}

// imports appends to found what a module and its imports load, below the root.
func imports(module string, found []string) []string {
	for _, match := range imported.FindAllSubmatch(read(module), -1) {
		name := "assets/" + string(match[2])
		if len(match[1]) > 0 {
			name = string(match[2])
		}
		if slices.Contains(found, name) {
			continue
		}
		found = append(found, name)
		if len(match[1]) == 0 {
			found = imports(string(match[2]), found)
		}
	}
	return found
}
