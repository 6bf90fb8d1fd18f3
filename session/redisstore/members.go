package redisstore

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

var errMembers = errors.New("not a JSON object as scripts write it")

// members calls each for the members of a JSON object, in their order. A text is passed without
// quotes and escapes, an integer, object or list as it is. Records and announcements are read with it:
// encoding/json takes 2 µs for a state, and 21 allocations, members 0.1 µs and none. It accepts no
// white space, fractions, true, false and null, which neither scripts nor encode write there.
func members(object string, each func(name, value string) error) error {
	rest, ok := strings.CutPrefix(object, "{")
	ok = ok && utf8.ValidString(object)
	if ok && rest == "}" {
		return nil
	}
	for ok {
		var name, value string
		if name, rest, ok = cutText(rest); !ok {
			break
		}
		if rest, ok = strings.CutPrefix(rest, ":"); !ok {
			break
		}
		if value, rest, ok = cutValue(rest); !ok {
			break
		}
		if err := each(name, value); err != nil {
			return err
		}
		if rest == "}" {
			return nil
		}
		rest, ok = strings.CutPrefix(rest, ",")
	}
	return errMembers
}

// cutValue cuts the value at the beginning of s off.
func cutValue(s string) (value, rest string, ok bool) {
	switch {
	case s == "":
		return "", "", false
	case s[0] == '"':
		return cutText(s)
	case s[0] == '{', s[0] == '[':
		return cutNested(s)
	}
	end := 0
	for end < len(s) && (s[end] == '-' || '0' <= s[end] && s[end] <= '9') {
		end++
	}
	return s[:end], s[end:], end > 0
}

// cutNested is cutValue for an object or a list.
func cutNested(s string) (value, rest string, ok bool) {
	for i, depth, inText := 0, 0, false; i < len(s); i++ {
		switch c := s[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			if depth--; depth == 0 {
				return s[:i+1], s[i+1:], true
			}
		}
	}
	return "", "", false
}

// cutText is cutValue for a text.
func cutText(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	escaped := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && escaped:
			err := json.Unmarshal([]byte(s[:i+1]), &text)
			return text, s[i+1:], err == nil
		case c == '"':
			return s[1:i], s[i+1:], true
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return "", "", false
		}
	}
	return "", "", false
}
