package session

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestDisplayText(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"Alice":                         "Alice",
		"  Al \t ice\r\n":               "Al ice",
		"a\u2028b\u2029c\u0085d\u00a0e": "a b c d e",
		"\u202eYour bank":               "Your bank",
		"a\u200eb\u200fc\u061cd\u202ae\u202bf\u202cg\u202dh\u202ei": "abcdefghi",
		"a\u2066b\u2067c\u2068d\u2069e":                             "abcde",
		"a\x00b\x1bc\x7fd\u009be":                                   "abcde",
		"a\u200bb\u2060c\ufeffd\u00ade\u180ef":                      "abcdef",
		"\u3164\u2800\u115f\uffa0":                                  "",
		"a\U000e0041\U000e007fb":                                    "ab", // tags
		"a\ufff9b\ufffbc\ufffcd":                                    "abcd",
		"a\ue000b\U000f0000c":                                       "abc", // private use
		"a\xffb\xed\xa0\x80c\ufffdd":                                "abcd",
		"\u0301a":                                                   "a", // the mark would change the label before it
		"e\u0301":                                                   "e\u0301",
		"a" + strings.Repeat("\u0335", 50):                          "a" + strings.Repeat("\u0335", maxMarks),
		"می\u200cخواهم":                                             "می\u200cخواهم", // Persian
		"👩\u200d💻 ❤\ufe0f\u200d🔥":                                   "👩\u200d💻 ❤\ufe0f\u200d🔥",
		"a\u200d\u200d\u200cb\u200d":                                "a\u200db",
		"\u200da":                                                   "a",
		"a \u200db":                                                 "a b",
		"נעמי 王小明 Ωmega":                                            "נעמי 王小明 Ωmega",
		strings.Repeat("é", 20):                                     strings.Repeat("é", 20),
		strings.Repeat("é", 21):                                     strings.Repeat("é", 19) + "…",
		strings.Repeat("é", 18) + " ééé":                            strings.Repeat("é", 18) + "…",
	} {
		if got := DisplayText(text, 20); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for most, want := range []string{"", "…", "a…", "abc"} {
		if got := DisplayText("abc", most); got != want {
			t.Errorf("limit %d: %q, want %q", most, got, want)
		}
	}
}

func TestFormatTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_999_999, time.FixedZone("", 8*60*60))
	if got, want := FormatTime(at), "2026-01-01T19:04:05.006Z"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzDisplayText(f *testing.F) {
	for _, seed := range []string{"Alice", "\u202eYour bank", "a\u200d\u0301\u2028b", "\xff\ufffd", strings.Repeat("a\u0301", 50)} {
		f.Add(seed, 20)
	}
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = max(0, min(most, 1000))
		got := DisplayText(text, most)
		if n := utf8.RuneCountInString(got); n > most || !utf8.ValidString(got) {
			t.Fatalf("%q in %d: %q", text, most, got)
		}
		if got != strings.TrimSpace(got) || strings.Contains(got, "  ") {
			t.Errorf("%q: white space in %q", text, got)
		}
		if again := DisplayText(got, most); again != got {
			t.Errorf("%q: %q, and then %q", text, got, again)
		}
		marks := 0
		for i, r := range got {
			joiner := r == zeroWidthJoiner || r == zeroWidthNonJoiner
			if !joiner && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError) {
				t.Errorf("%q: %q has %U", text, got, r)
			}
			switch {
			case unicode.Is(unicode.M, r):
				if marks++; i == 0 || marks > maxMarks {
					t.Errorf("%q: %q has %d marks", text, got, marks)
				}
			case !joiner:
				marks = 0
			}
		}
	})
}
