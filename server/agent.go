package server

import (
	"strings"

	"github.com/mileusna/useragent"
)

// agentWords tells in words which browser and which operating system a
// User-Agent claims to be; "" for what it does not say.
func agentWords(text string) (browser, os string) {
	if text == "" {
		return "", ""
	}
	ua := useragent.Parse(text)
	browser = withVersion(ua.Name, ua.VersionNoShort())
	switch os = withVersion(ua.OS, ua.OSVersionNoShort()); {
	case ua.IsWindows(), os == "macOS 10.15", os == "Android 10":
		// Browsers say so of every later one, too (User-Agent reduction),
		// and of Windows the kernel's: a person would look for a machine
		// that is not there.
		os = ua.OS
	}
	return browser, os
}

func withVersion(name, version string) string {
	if version = strings.TrimSuffix(version, ".0"); name == "" || version == "" {
		return name
	}
	return name + " " + version
}
