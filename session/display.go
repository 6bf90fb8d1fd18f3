package session

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxMarks bounds the combining marks on one character: written languages need
	// three at most; more of them draw over what stands above and below.
	maxMarks = 4
	// maxJoiners bounds joiners in a row, which no language has more than one of.
	maxJoiners = 1

	zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
)

// DisplayText returns text from a third party as it may stand on a screen, in at most
// most characters: without control characters, line breaks, characters that change
// the direction or order of others, and characters that cannot be seen. Each stretch
// of white space becomes one space. The joiners that Persian and emoji need are kept
// between characters, and so are a few combining marks on each. What is too long ends in "…".
func DisplayText(text string, most int) string {
	var out strings.Builder
	space := false         // white space is owed
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
	return bounded(strings.TrimRight(out.String(), string(zeroWidthJoiner)+string(zeroWidthNonJoiner)), most)
}

// bounded cuts text after most characters, the last of which is then an ellipsis.
func bounded(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	if most < 1 {
		return ""
	}
	return strings.TrimRightFunc(string([]rune(text)[:most-1]), func(r rune) bool {
		return r == ' ' || r == zeroWidthJoiner || r == zeroWidthNonJoiner
	}) + "…"
}

// Hidden reports whether r is a control character, changes the direction or order of
// others, or cannot be seen where it stands alone; white space that is none of these
// is not hidden.
func Hidden(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0', '\ufffc': // invisible, and of other classes
		return true
	}
	// Cf has the bidirectional controls, soft hyphen, zero-width space, byte order mark and tags.
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}
