// Package useragent names the browser and the operating system of a User-Agent header, for
// people to read. The names come from a fixed list: the header's own text is never shown,
// because a client can send any text.
package useragent

import (
	"fmt"
	"strings"

	"github.com/mileusna/useragent"

	"github.com/scanlogin/scanlogin/internal/recent"
)

// browserNames are the names of browsers, by what the library or the header itself calls
// them.
var browserNames = map[string]string{
	useragent.Chrome: "Chrome", useragent.HeadlessChrome: "Headless Chrome", useragent.Firefox: "Firefox",
	useragent.Safari: "Safari", useragent.Edge: "Edge", useragent.InternetExplorer: "Internet Explorer",
	useragent.Opera: "Opera", useragent.OperaMini: "Opera Mini", useragent.OperaTouch: "Opera Touch",
	useragent.Vivaldi: "Vivaldi", useragent.SamsungBrowser: "Samsung Browser", "Huawei Browser": "Huawei Browser",
	"Miui Browser": "Miui Browser", "Android browser": "Android browser", useragent.BlackBerry: "BlackBerry",
	useragent.FacebookApp: "Facebook", useragent.InstagramApp: "Instagram", useragent.TiktokApp: "TikTok",
	"MicroMessenger": "WeChat", "QQBrowser": "QQ Browser", "MQQBrowser": "QQ Browser", "UCBrowser": "UC Browser",
	"YaBrowser": "Yandex Browser", "Whale": "Naver Whale", "DuckDuckGo": "DuckDuckGo", "Ddg": "DuckDuckGo",
	"Brave": "Brave", "Electron": "Electron", "curl": "curl",
}

// systemNames are the names of operating systems, likewise.
var systemNames = map[string]string{
	useragent.Windows: "Windows", useragent.WindowsPhone: "Windows Phone", useragent.Android: "Android",
	useragent.MacOS: "macOS", useragent.IOS: "iOS", useragent.Linux: "Linux", useragent.FreeBSD: "FreeBSD",
	useragent.ChromeOS: "ChromeOS", useragent.BlackBerry: "BlackBerry", useragent.Harmony: "HarmonyOS",
}

// names are the browser and the operating system in a header.
type names struct{ browser, os string }

// maxKnown is how many headers are remembered: more than the visitors of a site send at a time. A
// header is at most 256 bytes.
const maxKnown = 1024

var known = recent.New[string, names](maxKnown)

// Describe returns the browser and the operating system that a User-Agent header names,
// with their versions as far as browsers still send true ones; "" for what is not known.
// To parse a header takes 1 to 3 µs; the last 1,024 headers are remembered.
func Describe(text string) (browser, os string) {
	if text == "" {
		return "", ""
	}
	if n, ok := known.Get(text); ok {
		return n.browser, n.os
	}
	n := parse(text)
	known.Put(strings.Clone(text), n)
	return n.browser, n.os
}

func parse(text string) names {
	ua := useragent.Parse(text)
	browser, os := withVersion(browserNames[ua.Name], ua.VersionNo), withVersion(systemNames[ua.OS], ua.OSVersionNo)
	switch {
	case ua.IsWindows(), os == "macOS 10.15", os == "Android 10":
		// Browsers send these versions for every later one, too (User-Agent
		// reduction), and the kernel's for Windows: a person would look for a
		// machine that does not exist.
		os = systemNames[ua.OS]
	}
	return names{browser, os}
}

// maxVersion bounds each number of a version; Chrome's was 142 in 2025.
const maxVersion = 9999

// withVersion adds a version's first number, and its second one unless that is 0. What
// cannot be a version is left out.
func withVersion(name string, v useragent.VersionNo) string {
	isNumber := func(n int) bool { return 0 <= n && n <= maxVersion }
	switch {
	case name == "" || !isNumber(v.Major) || !isNumber(v.Minor) || v.Major == 0 && v.Minor == 0:
		return name
	case v.Minor == 0:
		return fmt.Sprintf("%s %d", name, v.Major)
	}
	return fmt.Sprintf("%s %d.%d", name, v.Major, v.Minor)
}
