package server

import (
	"net/http"

	"golang.org/x/text/language"

	"github.com/scanlogin/scanlogin/internal/recent"
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

// noLocale stands for a header that asks for no language of ours.
const noLocale locale = -1

// wished has the locales of the headers that were parsed last: browsers of a site send few
// different ones, and to parse one takes 2 µs.
var wished = recent.New[string, locale](256)

// localeOf returns the language that a request asks for with x-authing-lang, then with
// Accept-Language; English if it asks for no language of ours.
func localeOf(h http.Header) locale {
	for _, wish := range []string{h.Get("X-Authing-Lang"), h.Get("Accept-Language")} {
		if wish == "" || len(wish) > maxLanguage {
			continue
		}
		l, ok := wished.Get(wish)
		if !ok {
			l = parseLocale(wish)
			wished.Put(wish, l)
		}
		if l != noLocale {
			return l
		}
	}
	return english
}

// parseLocale returns the language of ours that a header prefers, or noLocale.
func parseLocale(wish string) locale {
	tags, _, err := language.ParseAcceptLanguage(wish)
	if err != nil || len(tags) == 0 {
		return noLocale
	}
	_, i, confidence := languages.Match(tags...)
	if confidence == language.No {
		return noLocale
	}
	return locale(i)
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
