package server

import "github.com/mileusna/useragent"

// agentWords tells in words which browser and which operating system a
// User-Agent claims to be; "" for what it does not say.
func agentWords(text string) (browser, os string) {
	if text == "" {
		return "", ""
	}
	ua := useragent.Parse(text)
	browser, os = ua.Name, ua.OS
	if major := ua.VersionNoShort(); browser != "" && major != "" {
		browser += " " + major
	}
	if version := ua.OSVersionNoShort(); os != "" && version != "" {
		os += " " + version
	}
	return browser, os
}
