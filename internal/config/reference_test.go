package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

var knownTags = []string{"key", "type", "default", "absent", "required", "min", "max", "oneof", "check", "reload", "label", "help"}

// TestEveryTagIsKnownAndValid walks the types of the configuration.
func TestEveryTagIsKnownAndValid(t *testing.T) {
	var check func(typ reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for f := range structFields(typ) {
			for _, tag := range regexp.MustCompile(`(?:^|" )(\w+):"`).FindAllStringSubmatch(string(f.Tag), -1) {
				if !slices.Contains(knownTags, tag[1]) {
					t.Errorf("%s.%s has the unknown tag %s", typ, f.Name, tag[1])
				}
			}
			if f.Tag.Get("key") == "" {
				t.Errorf("%s.%s has no key", typ, f.Name)
			}
			if name := f.Tag.Get("check"); name != "" && checks[name] == nil {
				t.Errorf("%s.%s names the unknown check %s", typ, f.Name, name)
			}
			if strings.Count(f.Tag.Get("help"), "'")%2 != 0 || strings.Count(f.Tag.Get("absent"), "'")%2 != 0 {
				t.Errorf("%s.%s: single quotes surround code, and are not apostrophes", typ, f.Name)
			}
			check(f.Type)
		}
	}
	check(reflect.TypeFor[Values]())
}

// TestOneFieldIsAllASettingNeeds checks for each setting that its tags are complete, and
// that it can be set in the file, by the environment and by a flag. So a new field with
// its tags is a new setting, and nothing else needs a change.
func TestOneFieldIsAllASettingNeeds(t *testing.T) {
	var reference strings.Builder
	if err := WriteReference(&reference); err != nil {
		t.Fatal(err)
	}
	for _, s := range Settings() {
		t.Run(s.Path, func(t *testing.T) {
			defaults := 0
			for _, given := range []bool{s.Required, s.Default != "", s.Absent != ""} {
				if given {
					defaults++
				}
			}
			if defaults != 1 || s.Type == "" || s.Help == "" || strings.ContainsAny(s.Help, "|\n") {
				t.Errorf("it needs a help, and one of default, absent and required: %+v", s)
			}
			if strings.Count(reference.String(), "\n| `"+s.Path+"` | ") != 1 {
				t.Error("it is not in the reference")
			}
			if inPool := strings.TrimPrefix(s.Path, "pools[]."); s.Label != "" && CheckPoolSetting(inPool) != nil {
				t.Error("it has a label, but the console does not know it")
			}
			text := sample(s)
			if got := valueAt(t, fileWith(s, text), s); got != text {
				t.Errorf("the file sets %q, not %q", got, text)
			}
			flag, variable := s.Flag()
			if (flag == "" || variable == "") != strings.Contains(s.Path, "[]") {
				t.Errorf("flag %q, variable %q", flag, variable)
			}
			if flag != "" {
				if got := valueAt(t, "", s, Override{s.Path, text, "--" + flag}); got != text {
					t.Errorf("the flag sets %q, not %q", got, text)
				}
			}
			checkBounds(t, s)
		})
	}
}

// sample returns a value for a setting that is not its default.
func sample(s Setting) string {
	switch s.Type {
	case "boolean":
		return strconv.FormatBool(s.Default != "true")
	case "number":
		return "7654321"
	case "duration":
		return "7s"
	case "list", "secrets":
		return "a, b"
	}
	return "x"
}

// fileWith returns a file with only that setting.
func fileWith(s Setting, text string) string {
	if s.Type == "list" || s.Type == "secrets" {
		text = "[" + text + "]"
	}
	keys := strings.Split(s.Path, ".")
	slices.Reverse(keys)
	for _, key := range keys {
		name, isList := strings.CutSuffix(key, "[]")
		if isList {
			text = "[" + text + "]"
		}
		text = "{" + name + ": " + text + "}"
	}
	return text
}

// valueAt parses a file with overrides and returns the value of a setting.
func valueAt(t *testing.T, file string, s Setting, overrides ...Override) (text string) {
	t.Helper()
	d, err := parse("scanlogin.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range overrides {
		d.apply(o)
	}
	if len(d.problems) > 0 {
		t.Fatal(d.problems)
	}
	walk(reflect.ValueOf(d.values), "", func(path string, leaf reflect.Value) {
		if withoutIndices(path) != s.Path {
			return
		}
		switch value := leaf.Interface().(type) {
		case Secret:
			text = string(value)
		case []Secret:
			for i, one := range value {
				text += strings.Repeat(", ", min(i, 1)) + string(one)
			}
		default:
			text = textOf(leaf)
		}
	})
	return text
}

// beyondBounds returns values outside the bounds of a setting.
func beyondBounds(t *testing.T, s Setting) (beyond []string) {
	t.Helper()
	switch s.Type {
	case "number":
		if n, err := strconv.Atoi(s.min); err == nil {
			beyond = append(beyond, strconv.Itoa(n-1))
		}
		if n, err := strconv.Atoi(s.max); err == nil {
			beyond = append(beyond, strconv.Itoa(n+1))
		}
	case "duration":
		least, errMin := time.ParseDuration(s.min)
		most, errMax := time.ParseDuration(s.max)
		if errMin != nil || errMax != nil {
			t.Fatal("a duration needs min and max")
		}
		beyond = append(beyond, (least - time.Nanosecond).String(), (most + time.Nanosecond).String())
	case "secret":
		if s.min != "" {
			beyond = append(beyond, "short")
		}
	}
	if len(s.oneOf) > 0 {
		beyond = append(beyond, "none-of-them")
	}
	return beyond
}

// checkBounds expects that values outside the bounds of a setting are refused.
func checkBounds(t *testing.T, s Setting) {
	t.Helper()
	for _, text := range beyondBounds(t, s) {
		d, err := parse("scanlogin.yaml", []byte(fileWith(s, text)))
		if err != nil {
			t.Fatal(err)
		}
		d.validate()
		found := slices.ContainsFunc(d.problems, func(p Problem) bool {
			return withoutIndices(p.Path) == s.Path && strings.HasPrefix(p.Text, "must ")
		})
		if !found {
			t.Errorf("%s is accepted: %v", text, d.problems)
		}
	}
}

// TestPoolFieldsAreCopied sets each field of Pool and expects it in the built pool.
func TestPoolFieldsAreCopied(t *testing.T) {
	built := map[string]bool{"Secrets": true} // part of Secret
	p := mustLoad(t, good+`    logo: https://www.example.com/logo.png
    brand_color: "#123456"
    apps: {ios: [ABCDE12345.com.example.shop]}
    app_ids: [app]
    origins: [https://www.example.com]
    identity: {jwt: {hs256_secret: `+testSecret+`}}
    vouching: true
    code_ttl: 7s
    confirm_ttl: 7s
    ticket_ttl: 7s
    max_codes: 7
    payload_format: url
    app_link: myapp:{random}
    webhook: {url: https://www.example.com, secret: `+hookSecret+`}
    return_full_user_info: true
    allow_browser_exchange: true
    bind_browser: true
    match: digits
    require_pkce: true
    typed_codes: true
    step_up: {max_age: 77s}
    consent: {new_browser: careful}
    known_browser_ttl: 7s
    limits: {user_rate: 7}
    clients: [{id: a, redirect_uris: ["https://a.example.com"], code_ttl: 7s}]
signing_key: |
  `+strings.ReplaceAll(strings.TrimSpace(configtest.SigningKey(t, "PRIVATE KEY")), "\n", "\n  ")+`
`).UserPools[0]
	v := reflect.ValueOf(p).Elem()
	for f := range structFields(reflect.TypeFor[Pool]()) {
		if built[f.Name] {
			continue
		}
		if field := v.FieldByName(f.Name); !field.IsValid() || field.IsZero() {
			t.Errorf("%s is not in the built pool: give pool.Pool a field of that name, or build it in buildPool", f.Name)
		}
	}
	for f := range structFields(v.Type()) {
		if _, ok := reflect.TypeFor[Pool]().FieldByName(f.Name); !ok {
			t.Errorf("pool.Pool.%s has no setting", f.Name)
		}
	}
}

func TestDefaultsAreTheValuesOfAnEmptyFile(t *testing.T) {
	d, err := parse("scanlogin.yaml", []byte("pools: [{}]"))
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Pools = []Pool{DefaultPool()}
	if fmt.Sprintf("%+v", d.values) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v\nwant %+v", want, d.values)
	}
}
