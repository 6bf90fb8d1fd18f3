package web

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
	"sync"
)

// AuthorizePage is the data of the page on which users log in to an OAuth client.
type AuthorizePage struct {
	Site
	PoolLogo string // address of an image; may be empty

	Client string // name
	Logo   string // of the client; may be empty

	Request string // id of the authorization request
	Cancel  string // address to which the form "Back to the client" is posted

	Lang       string // en or zh-CN
	FormAction string // sources of the content security policy to which forms may lead besides this server
}

// AuthorizeErrorPage is the data of the page for an authorization request that is not answered to
// the client.
type AuthorizeErrorPage struct {
	Site
	Error       string // error code
	Description string // for developers, in English

	Lang string // en or zh-CN
}

// FormPostPage is the data of the page that posts an authorization response to the client.
type FormPostPage struct {
	Site
	Action string
	Fields map[string]string

	Lang       string // en or zh-CN
	FormAction string // as in AuthorizePage
}

// LoggedOutPage is the data of the page at the end of a logout that does not lead back to the client
// by itself.
type LoggedOutPage struct {
	Site
	Client   string // name; "": unknown
	Ended    bool   // a login was ended here; otherwise only the client can do so
	Continue string // address at the client; may be empty

	Lang string // en or zh-CN
}

// IsChinese reports whether the page is in Chinese.
func (p LoggedOutPage) IsChinese() bool { return isChinese(p.Lang) }

// IsChinese reports whether the page is in Chinese.
func (p AuthorizePage) IsChinese() bool { return isChinese(p.Lang) }

// IsChinese reports whether the page is in Chinese.
func (p AuthorizeErrorPage) IsChinese() bool { return isChinese(p.Lang) }

// IsChinese reports whether the page is in Chinese.
func (p FormPostPage) IsChinese() bool { return isChinese(p.Lang) }

func isChinese(lang string) bool { return strings.HasPrefix(lang, "zh") }

// Authorize writes the authorization page. It is for one browser, so it is never stored.
func Authorize(w http.ResponseWriter, p AuthorizePage) {
	writePage(w, http.StatusOK, "authorize.html", p.FormAction, p)
}

// AuthorizeError writes the page for an authorization request with an error, with a status.
func AuthorizeError(w http.ResponseWriter, status int, p AuthorizeErrorPage) {
	writePage(w, status, "authorize-error.html", "", p)
}

// LoggedOut writes the page at the end of a logout.
func LoggedOut(w http.ResponseWriter, p LoggedOutPage) {
	writePage(w, http.StatusOK, "logged-out.html", "", p)
}

// FormPost writes the page that posts an authorization response to the client (OAuth 2.0 Form Post
// Response Mode).
func FormPost(w http.ResponseWriter, p FormPostPage) {
	writePage(w, http.StatusOK, "form-post.html", p.FormAction, p)
}

// perRequest are the pages that are rendered for each request.
var perRequest = sync.OnceValue(func() *template.Template {
	return parsePage("authorize.html", "authorize-error.html", "form-post.html", "logged-out.html")
})

// writePage renders a page for one request. formAction extends the policy for forms.
func writePage(w http.ResponseWriter, status int, name, formAction string, data any) {
	var body bytes.Buffer
	if err := perRequest().ExecuteTemplate(&body, name, data); err != nil {
		panic(err) // only an invalid template; the tests render every page
	}
	h := w.Header()
	secure(h)
	if formAction != "" {
		h.Set("Content-Security-Policy", strings.Replace(policy, "form-action 'self'", "form-action 'self' "+formAction, 1))
		// With no-referrer, browsers send "Origin: null" with a form (Fetch, "append a request Origin
		// header"), and the server could not tell its own form from that of another site.
		h.Set("Referrer-Policy", "same-origin")
	}
	h.Set("Content-Type", contentTypes[".html"])
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // an error means that the client has gone
}
