package session

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxMarks bounds the combining marks on one character. Languages need three at
	// most; more of them overprint the lines above and below.
	maxMarks = 4
	// maxJoiners bounds consecutive joiners. No language needs more than one.
	maxJoiners = 1

	zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
)

// DisplayText returns text from a third party in a form that is safe to show, with at most
// limit characters: without control characters, line breaks, characters that change the
// direction or order of others, and invisible characters. Consecutive white space becomes
// one space. It keeps the joiners between characters that Persian and emoji need, and a few
// combining marks per character. Text that is too long is cut and ends in "…".
func DisplayText(text string, limit int) string {
	var out strings.Builder
	space := false         // white space is pending
	marks, joiners := 0, 0 // since the last base character
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = out.Len() > 0
			continue
		case r == zeroWidthJoiner || r == zeroWidthNonJoiner:
			if joiners++; joiners > maxJoiners || out.Len() == 0 || space {
				continue
			}
		case Hidden(r) || r == utf8.RuneError:
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks || out.Len() == 0 || space {
				continue
			}
			joiners = 0
		default:
			marks, joiners = 0, 0
		}
		if space {
			out.WriteByte(' ')
			space = false
		}
		out.WriteRune(r)
	}
	return truncate(strings.TrimRight(out.String(), string(zeroWidthJoiner)+string(zeroWidthNonJoiner)), limit)
}

// truncate cuts text to limit characters, the last of which is then an ellipsis.
func truncate(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	if limit < 1 {
		return ""
	}
	return strings.TrimRightFunc(string([]rune(text)[:limit-1]), func(r rune) bool {
		return r == ' ' || r == zeroWidthJoiner || r == zeroWidthNonJoiner
	}) + "…"
}

// Hidden reports whether r is a control character, changes the direction or order of
// other characters, or is invisible on its own. Other white space is not hidden.
func Hidden(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0', '\ufffc': // invisible characters of other classes
		return true
	}
	// Cf contains the bidirectional controls, soft hyphen, zero-width space, byte order mark and tags.
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}

// FormatTime returns t in the form that clients see: RFC 3339 in UTC with milliseconds, as
// JavaScript's toISOString.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
