package admin

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/scanlogin/scanlogin/web"
)

// Languages of the pages. Texts are written in English; web/console/zh.json translates them.
const (
	english = "en"
	chinese = "zh"
)

// translations are the texts in Chinese by those in English.
var translations = web.ConsoleWords()

// language of a page.
type language string

// text returns a text in the language, with args in it as fmt.Sprintf puts them. A text without a
// translation stays English.
func (l language) text(english string, args ...any) string {
	text := english
	if translated, ok := translations[english]; ok && l == chinese {
		text = translated
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// languageCookie is the cookie with the language that the administrator chose.
const languageCookie = "scanlogin_console_language"

// languageOf returns the language that the administrator chose, else the first one that the browser
// accepts and the console has.
func languageOf(r *http.Request) language {
	if chosen, ok := chosenLanguage(r); ok {
		return chosen
	}
	if k, err := r.Cookie(languageCookie); err == nil && (k.Value == english || k.Value == chinese) {
		return language(k.Value)
	}
	for accepted := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(accepted)), ";")
		tag, _, _ = strings.Cut(tag, "-")
		if tag == english || tag == chinese {
			return language(tag)
		}
	}
	return english
}

// chosenLanguage returns the language in the address.
func chosenLanguage(r *http.Request) (language, bool) {
	chosen := r.URL.Query().Get("lang")
	return language(chosen), chosen == english || chosen == chinese
}

// keepLanguage sets a cookie for the language in the address, if there is one.
func keepLanguage(w http.ResponseWriter, r *http.Request) {
	if chosen, ok := chosenLanguage(r); ok {
		http.SetCookie(w, &http.Cookie{ // #nosec G124 -- not a secret; the console may be served over http
			Name: languageCookie, Value: string(chosen), Path: "/console", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
	}
}

// inOtherLanguage returns the address of the page in the other language.
func inOtherLanguage(r *http.Request, l language) string {
	query := r.URL.Query()
	query.Set("lang", chinese)
	if l == chinese {
		query.Set("lang", english)
	}
	return r.URL.Path + "?" + query.Encode()
}
