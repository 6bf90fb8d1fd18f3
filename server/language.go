package server

import (
	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"
)

var languages = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// maxLanguage bounds the header that is parsed; browsers send under 100 bytes.
const maxLanguage = 256

// say returns en or zh, by what x-authing-lang asks for, then Accept-Language;
// English otherwise.
func say(c echo.Context, en, zh string) string {
	h := c.Request().Header
	for _, wish := range []string{h.Get("X-Authing-Lang"), h.Get("Accept-Language")} {
		if wish == "" || len(wish) > maxLanguage {
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := languages.Match(tags...); confidence > language.No {
			return [...]string{en, zh}[i]
		}
	}
	return en
}
