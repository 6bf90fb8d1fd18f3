package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// perRequestPages are the pages that are rendered for each request, with hostile data, by path.
func perRequestPages() map[string]http.Handler {
	site := Site{Pool: "demo", Name: hostile, Color: "#123456"}
	served := func(write func(http.ResponseWriter)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w) })
	}
	handlers := make(map[string]http.Handler)
	for _, lang := range []string{"en", "zh-CN"} {
		handlers["/oidc/demo/auth?"+lang] = served(func(w http.ResponseWriter) {
			Authorize(w, AuthorizePage{Site: site, PoolLogo: hostile, Client: hostile, Logo: hostile, Request: hostile, Cancel: "https://scan.example.com/oidc/demo/auth/cancel", Lang: lang, FormAction: "https://a.example.com"})
		})
		handlers["/error?"+lang] = served(func(w http.ResponseWriter) {
			AuthorizeError(w, http.StatusBadRequest, AuthorizeErrorPage{Error: hostile, Description: hostile, Lang: lang})
		})
		handlers["/post?"+lang] = served(func(w http.ResponseWriter) {
			FormPost(w, FormPostPage{Action: "https://a.example.com/cb", Fields: map[string]string{hostile: hostile}, Lang: lang, FormAction: "https:"})
		})
	}
	return handlers
}

func TestPagesForOneRequestAreNotStoredAndContainNoMarkupOfOthers(t *testing.T) {
	for target, h := range perRequestPages() {
		res := httptest.NewRecorder()
		h.ServeHTTP(res, httptest.NewRequest(http.MethodGet, target, nil))
		if strings.Contains(res.Body.String(), hostile) {
			t.Errorf("%s contains what others wrote as markup: %s", target, res.Body)
		}
		if res.Header().Get("Cache-Control") != "no-store" || res.Header().Get("X-Frame-Options") != "DENY" || !strings.Contains(res.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s has headers %v", target, res.Header())
		}
		if lang := strings.SplitAfter(target, "?")[1]; !strings.Contains(res.Body.String(), `<html lang="`+lang+`">`) {
			t.Errorf("%s is not in its language", target)
		}
	}
}
