package phone

import "encoding/json"

// fields returns the fields of a JSON object; none for other values.
func fields(value json.RawMessage) map[string]json.RawMessage {
	var f map[string]json.RawMessage
	_ = json.Unmarshal(value, &f) // other values have no fields
	return f
}

func isObject(value json.RawMessage) bool { return fields(value) != nil }

func isNull(value json.RawMessage) bool { return value == nil || string(value) == "null" }

// value decodes a JSON value of the type T; false for null and other types.
func value[T any](raw json.RawMessage) (v T, ok bool) {
	if isNull(raw) || json.Unmarshal(raw, &v) != nil {
		var zero T
		return zero, false
	}
	return v, true
}

func text(raw json.RawMessage) (string, bool) { return value[string](raw) }

func list(raw json.RawMessage) ([]json.RawMessage, bool) { return value[[]json.RawMessage](raw) }

// number returns a number that is not negative.
func number(raw json.RawMessage) (float64, bool) {
	n, ok := value[float64](raw)
	return n, ok && n >= 0
}

func numberOrNil(raw json.RawMessage) *float64 {
	if n, ok := number(raw); ok {
		return &n
	}
	return nil
}

func flag(raw json.RawMessage) *bool {
	if b, ok := value[bool](raw); ok {
		return &b
	}
	return nil
}

// texts returns the strings of an array.
func texts(raw json.RawMessage) []string {
	all, _ := list(raw)
	var out []string
	for _, one := range all {
		if s, ok := text(one); ok {
			out = append(out, s)
		}
	}
	return out
}
