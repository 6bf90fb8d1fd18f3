package web

import (
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
)

// console/console.js is built from console/src.
//
//go:generate ./build.sh console.js console/console.js

//go:embed console/*.html console/*.css console/*.js console/*.svg console/zh.json third_party/uplot/dist/uPlot.min.css
var consoleFiles embed.FS

// consoleAssets are the files of the console's assets by name. They do not depend on those of other pages.
var consoleAssets = map[string]string{
	"mark.svg": "console/mark.svg", "console.css": "console/console.css", "console.js": "console/console.js",
	"uplot.css": "third_party/uplot/dist/uPlot.min.css",
}

// consolePages are the console's pages. Each is rendered in frame.html.
var consolePages = []string{"login", "overview", "pools", "pool", "audit", "changes", "dead_letters", "error"}

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

// ConsoleWords returns the Chinese texts of the console by the English ones.
func ConsoleWords() map[string]string {
	var words map[string]string
	if err := json.Unmarshal(readConsole("console/zh.json"), &words); err != nil {
		panic(err) // the tests read it
	}
	return words
}

// ConsoleAssets serves the assets of the console's pages under /assets/.
func ConsoleAssets() http.Handler {
	mux := http.NewServeMux()
	for name, file := range consoleAssets {
		mux.Handle("/assets/"+name, newAsset(name, readConsole(file)))
	}
	mux.Handle("/assets/scanlogin.js", newAsset("scanlogin.js", read("scanlogin.js"))) // to try a pool
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		http.NotFound(w, r)
	})
	return mux
}

// readConsole returns an embedded file. The tests read all of them.
func readConsole(name string) []byte {
	body, err := consoleFiles.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return body
}
