package phone

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// readVectors reads a file of clients/vectors.
func readVectors[T any](t *testing.T, name string) T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../clients/vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

type textVectors struct {
	Pins  Pins
	Cases []struct {
		Name, Text, Error string
		Pins              *Pins
		Want              Code
	}
}

// errorName is the name of an error of Parse in the vectors.
func errorName(err error) string {
	var untrusted *UntrustedHostError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrNotLoginCode):
		return "not-login-code"
	case errors.Is(err, ErrOtherPool):
		return "other-pool"
	case errors.As(err, &untrusted):
		return "untrusted-host"
	}
	return err.Error()
}

func TestTextsAreReadAsInTheVectors(t *testing.T) {
	for file, parse := range map[string]func(string, Pins) (Code, error){"payloads.json": Parse, "links.json": ParseOpened} {
		v := readVectors[textVectors](t, file)
		if len(v.Cases) < 50 {
			t.Errorf("%s has only %d cases", file, len(v.Cases))
		}
		for _, c := range v.Cases {
			pins := v.Pins
			if c.Pins != nil {
				pins = *c.Pins
			}
			code, err := parse(c.Text, pins)
			if code != c.Want || errorName(err) != c.Error {
				t.Errorf("%s: %s: %+v, %v", file, c.Name, code, err)
			}
		}
	}
}

type vectorAnswer struct {
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

// answer returns the response that a vector describes: a body that is text is sent as it is.
func (a vectorAnswer) answer() Answer {
	out := Answer{Status: a.Status, RetryAfter: a.Headers["Retry-After"], Body: a.Body}
	if s, ok := text(a.Body); ok {
		out.Body = []byte(s)
	}
	return out
}

func TestConsentIsReadAsInTheVectors(t *testing.T) {
	v := readVectors[struct {
		Cases []struct {
			Name, Error string
			Answer      vectorAnswer
			Want        json.RawMessage
		}
	}](t, "consents.json")
	if len(v.Cases) < 15 {
		t.Errorf("only %d cases", len(v.Cases))
	}
	for _, c := range v.Cases {
		data, err := c.Answer.answer().Data()
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		scan, err := ReadScan(data)
		if kind := kindOf(err); kind != Kind(c.Error) {
			t.Errorf("%s: %v", c.Name, err)
		}
		if err == nil && !sameJSON(t, scan, c.Want) {
			t.Errorf("%s: %+v", c.Name, scan)
		}
	}
}

func TestRefusalsAreReadAsInTheVectors(t *testing.T) {
	v := readVectors[struct {
		Cases []struct {
			Name   string
			Answer vectorAnswer
			Want   struct {
				Kind             Kind
				Effect, Message  string
				Code, RetryAfter int
				StepUp           *StepUp
			}
		}
	}](t, "errors.json")
	if len(v.Cases) < 30 {
		t.Errorf("only %d cases", len(v.Cases))
	}
	for _, c := range v.Cases {
		_, err := c.Answer.answer().Data()
		var r *Refusal
		if !errors.As(err, &r) {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		effect := map[bool]string{true: "unknown", false: "none"}[r.Kind == Unavailable]
		w := c.Want
		if r.Kind != w.Kind || r.Message != w.Message || r.Code != w.Code || r.RetryAfter != w.RetryAfter || effect != w.Effect || !reflect.DeepEqual(r.StepUp, w.StepUp) {
			t.Errorf("%s: %+v", c.Name, r)
		}
	}
}

// notForPhones are the errors that only pages and sites get.
var notForPhones = []int{426, 2246, 2250}

func TestEachErrorOfThePhoneHasAVector(t *testing.T) {
	description, err := os.ReadFile("../../web/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^  - \{code: (\d+), status: (\d+), `).FindAllSubmatch(description, -1)
	if len(rows) < 20 {
		t.Fatalf("x-errors has %d rows: has it another form?", len(rows))
	}
	have := map[string]bool{}
	for _, c := range readVectors[struct {
		Cases []struct{ Answer vectorAnswer }
	}](t, "errors.json").Cases {
		have[fmt.Sprintf("%s with HTTP %d", fields(c.Answer.Body)["code"], c.Answer.Status)] = true
	}
	for _, row := range rows {
		code, _ := strconv.Atoi(string(row[1]))
		if name := fmt.Sprintf("%s with HTTP %s", row[1], row[2]); !have[name] && !slices.Contains(notForPhones, code) {
			t.Errorf("errors.json has no case for %s", name)
		}
	}
}

func kindOf(err error) Kind {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Kind
	}
	return ""
}

func sameJSON(t *testing.T, got any, want json.RawMessage) bool {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if json.Unmarshal(text, &a) != nil || json.Unmarshal(want, &b) != nil {
		t.Fatalf("%s is not JSON", want)
	}
	return reflect.DeepEqual(a, b)
}
