package server

import (
	"fmt"

	"github.com/mileusna/useragent"
)

// browserNames are the browsers that a phone may be told of, by what the library or
// the header itself calls them. Whoever asks for a code writes the header, so no other
// text of it is shown as a browser.
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

// systemNames are likewise the operating systems.
var systemNames = map[string]string{
	useragent.Windows: "Windows", useragent.WindowsPhone: "Windows Phone", useragent.Android: "Android",
	useragent.MacOS: "macOS", useragent.IOS: "iOS", useragent.Linux: "Linux", useragent.FreeBSD: "FreeBSD",
	useragent.ChromeOS: "ChromeOS", useragent.BlackBerry: "BlackBerry", useragent.Harmony: "HarmonyOS",
}

// agentWords tells in words which browser and which operating system a
// User-Agent claims to be; "" for what is not known.
func agentWords(text string) (browser, os string) {
	if text == "" {
		return "", ""
	}
	ua := useragent.Parse(text)
	browser = withVersion(browserNames[ua.Name], ua.VersionNo)
	os = withVersion(systemNames[ua.OS], ua.OSVersionNo)
	switch {
	case ua.IsWindows(), os == "macOS 10.15", os == "Android 10":
		// Browsers say so of every later one, too (User-Agent reduction),
		// and of Windows the kernel's: a person would look for a machine
		// that is not there.
		os = systemNames[ua.OS]
	}
	return browser, os
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

// shownAgent is agentWords for a person, in their language.
func shownAgent(l locale, text string) (browser, os string) {
	browser, os = agentWords(text)
	if browser == "" {
		browser = l.localize("Unknown browser", "未知浏览器")
	}
	if os == "" {
		os = l.localize("Unknown system", "未知系统")
	}
	return browser, os
}
