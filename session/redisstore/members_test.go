package redisstore

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// membersOf returns what members finds, the last of each name.
func membersOf(object string) (map[string]string, error) {
	found := make(map[string]string)
	err := members(object, func(name, value string) error { found[name] = value; return nil })
	return found, err
}

// jsonMembers returns what encoding/json finds, in the form of members; false if it is another
// JSON than members accepts.
func jsonMembers(object string) (map[string]string, bool) {
	var raw map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &raw) != nil {
		return nil, false
	}
	found := make(map[string]string)
	for name, value := range raw {
		var text string
		if value[0] != '"' {
			text = string(value)
		} else if json.Unmarshal(value, &text) != nil {
			return nil, false
		}
		found[name] = text
	}
	return found, true
}

func TestMembersReadsWhatEncodeWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Int64(), func(n int64) any { return n }),
			rapid.Map(rapid.SliceOf(rapid.String()), func(s []string) any { return append([]string{}, s...) }),
			rapid.Map(rapid.MapOf(rapid.String(), rapid.String()), func(m map[string]string) any { return m }),
		)
		object, err := encode(rapid.MapOf(rapid.String(), value).Draw(t, "object"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := membersOf(string(object))
		want, _ := jsonMembers(string(object))
		if err != nil || !equalMembers(got, want) {
			t.Errorf("%s: %q, want %q; %v", object, got, want, err)
		}
	})
}

func equalMembers(a, b map[string]string) bool {
	first, err1 := json.Marshal(a)
	second, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(first, second)
}

func TestMembersReadsNestedValues(t *testing.T) {
	const object = `{"a":{"b":[{"c":"}]\\"}],"d":{}},"e":[[],[1]],"f":-1,"a":"\"last\""}`
	got, err := membersOf(object)
	want, _ := jsonMembers(object)
	if err != nil || len(want) != 3 || !equalMembers(got, want) {
		t.Errorf("%q, want %q; %v", got, want, err)
	}
	if got, err := membersOf(`{"a":{"b":[{"c":"}]"}]}}`); err != nil || got["a"] != `{"b":[{"c":"}]"}]}` {
		t.Errorf("%q, %v", got, err)
	}
}

func TestMembersRefuses(t *testing.T) {
	for _, object := range []string{
		``, `x`, `[]`, `"a"`, `{`, `{"a"`, `{"a"}`, `{"a":`, `{"a":}`, `{"a":"b"`, `{"a":"b",`, `{"a":"b",}`, `{"a":"b"}x`, `{,}`, `{"a":"b"} `, `{ "a":1}`,
		`{"a":null}`, `{"a":true}`, `{"a":1.5}`, `{"a":{"b":1}`, `{"a":[1}`, `{"a":"\x"}`, `{"a":"\"}`, "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", `{a:1}`,
	} {
		if found, err := membersOf(object); err == nil {
			t.Errorf("%q is read as %q", object, found)
		}
	}
}

// FuzzMembers checks that members finds what encoding/json finds.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":"b"}`, `{"a":1,"b":-2,"c":{"d":["}"]},"e":[1,{"f":"]"}]}`, `{"a":"\"\\\u4e2d\/"}`, `{"\u0061":"1","a":2}`, `{"a":--1}`, `{"a":[}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, object string) {
		got, err := membersOf(object)
		want, ok := jsonMembers(object)
		if err == nil && ok && !equalMembers(got, want) {
			t.Errorf("%q: %q, want %q", object, got, want)
		}
	})
}
