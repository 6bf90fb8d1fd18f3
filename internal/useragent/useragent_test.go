package useragent

import "testing"

func TestBrowserAndSystemAreNamed(t *testing.T) {
	for agent, want := range map[string][2]string{
		"": {"", ""},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36":                         {"Chrome 131", "Windows"},
		"Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36":                          {"Chrome 109", "Windows"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15":                   {"Safari 18.1", "macOS"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0":                                                    {"Firefox 132", "macOS"},
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36":                         {"Chrome 131", "Android"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": {"Safari 18.1", "iOS 18.1"},
		"curl/8.5.0": {"curl 8.5", ""},
	} {
		if browser, os := Describe(agent); browser != want[0] || os != want[1] {
			t.Errorf("%s: %q on %q, want %q on %q", agent, browser, os, want[0], want[1])
		}
	}
}
