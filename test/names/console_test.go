package names

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// console logs in, changes a setting and logs out. With https the cookie has another name.
func (w *walker) console(scheme string) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(want int, path string, form url.Values) *http.Response {
		w.Helper()
		res, err := browser.Do(w.form(scheme, path, form))
		if err != nil {
			w.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			w.Fatalf("%s: status %d, want %d", path, res.StatusCode, want)
		}
		return res
	}
	post(http.StatusUnauthorized, "/console/login", url.Values{"token": {"wrong"}})
	res := post(http.StatusSeeOther, "/console/login", url.Values{"token": {token}})
	cookie := res.Cookies()[0]
	w.names.add("cookie", cookie.Name, "of the console")
	w.consoleKeys = append(w.consoleKeys, consoleKey(cookie.Value))
	if cookie.Secure { // the browser does not send it over http
		return
	}
	page, err := browser.Get(w.ops + "/console/pool?id=main")
	if err != nil {
		w.Fatal(err)
	}
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	if err != nil {
		w.Fatal(err)
	}
	form := url.Values{}
	for _, field := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		form.Set(field[1], field[2])
		if field[2] == formToken(cookie.Value) {
			w.names.add("derived", "token in the console's forms, in field", field[1])
		}
	}
	for _, on := range regexp.MustCompile(`name="([^"]+)" type="checkbox" role="switch" value="true" checked`).FindAllStringSubmatch(string(text), -1) {
		form.Set(on[1], "true")
	}
	form.Set("set.code_ttl", "100s")
	post(http.StatusSeeOther, "/console/pool?id=main", form)
	post(http.StatusSeeOther, "/console/letters?id=main", form)
	post(http.StatusSeeOther, "/console/logout", form)
}

// form returns a form of the console, as a proxy with this scheme forwards it.
func (w *walker) form(scheme, path string, form url.Values) *http.Request {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.ops+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-Proto", scheme)
	return req
}
