package server

import (
	"net/http"

	"golang.org/x/text/language"

	"github.com/scanlogin/scanlogin/internal/useragent"
)

// languages has the languages in the order of the values of locale.
var languages = language.NewMatcher([]language.Tag{english: language.English, chinese: language.Chinese})

// maxLanguage bounds the header that is parsed; browsers send under 100 bytes.
const maxLanguage = 256

// locale is a language in which the server answers.
type locale int

const (
	english locale = iota
	chinese
)

// localize returns the text in l.
func (l locale) localize(en, zh string) string {
	if l == chinese {
		return zh
	}
	return en
}

// localeOf returns the language that a request asks for with x-authing-lang, then with
// Accept-Language; English if it asks for no language of ours.
func localeOf(h http.Header) locale {
	for _, wish := range []string{h.Get("X-Authing-Lang"), h.Get("Accept-Language")} {
		if wish == "" || len(wish) > maxLanguage {
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := languages.Match(tags...); confidence > language.No {
			return locale(i)
		}
	}
	return english
}

// shownAgent names the browser and the operating system of a User-Agent header in l.
func shownAgent(l locale, text string) (browser, os string) {
	browser, os = useragent.Describe(text)
	if browser == "" {
		browser = l.localize("Unknown browser", "未知浏览器")
	}
	if os == "" {
		os = l.localize("Unknown system", "未知系统")
	}
	return browser, os
}
