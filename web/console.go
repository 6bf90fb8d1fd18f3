package web

import (
	"embed"
	"html/template"
	"net/http"
	"path"
)

//go:embed console/*.html console/*.css console/*.js
var consoleFiles embed.FS

// consoleAssets are the assets of the console's pages only.
var consoleAssets = []string{"console.css", "console.js"}

// consolePages are the console's pages. Each is rendered in frame.html.
var consolePages = []string{"login", "live", "pools", "pool", "changes", "dead_letters", "error"}

// ConsolePages returns the templates of the console's pages by name. functions are the
// functions that they call.
func ConsolePages(functions template.FuncMap) map[string]*template.Template {
	frame := template.Must(template.New("frame.html").Funcs(functions).ParseFS(consoleFiles, "console/frame.html"))
	pages := make(map[string]*template.Template)
	for _, name := range consolePages {
		page := template.Must(frame.Clone())
		pages[name] = template.Must(page.ParseFS(consoleFiles, "console/"+name+".html"))
	}
	return pages
}

// ConsoleAssets serves the assets of the console's pages under /assets/.
func ConsoleAssets() http.Handler {
	mux := http.NewServeMux()
	for _, name := range []string{"mark.svg", "style.css", "scanlogin.js"} {
		mux.Handle("/assets/"+name, newAsset(name, read(name)))
	}
	for _, name := range consoleAssets {
		body, err := consoleFiles.ReadFile(path.Join("console", name))
		if err != nil {
			panic(err) // the tests read all of them
		}
		mux.Handle("/assets/"+name, newAsset(name, body))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		http.NotFound(w, r)
	})
	return mux
}
