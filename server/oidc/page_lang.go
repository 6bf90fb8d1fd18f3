package oidc

import "strings"

// Languages of the pages.
const (
	english = "en"
	chinese = "zh-CN"
)

// pageLang returns the language of a page: the first of ui_locales that there is (OIDC Core
// 3.1.2.1), else that of the browser.
func (p *Provider) pageLang(c *call) string {
	for tag := range strings.FieldsSeq(c.form["ui_locales"]) {
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		switch primary {
		case "en":
			return english
		case "zh":
			return chinese
		}
	}
	if p.prefersChinese(c.r.Header) {
		return chinese
	}
	return english
}
