package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

func TestEachRequirementOfAStepUpIsOptional(t *testing.T) {
	for text, want := range map[string]session.StepUp{
		"":                             {},
		"step_up: {max_age: 5m}":       {MaxAge: 5 * time.Minute},
		"step_up: {acr_values: [a,b]}": {ACRValues: []string{"a", "b"}},
		"step_up: {amr: [otp]}":        {AMR: []string{"otp"}},
	} {
		if got := mustLoad(t, good+"    "+text+"\n").UserPools[0].StepUp; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
