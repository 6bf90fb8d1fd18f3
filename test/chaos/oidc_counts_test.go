package main

import (
	"errors"
	"reflect"
	"testing"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// complete has each event that a run must show once: a login with two exchanges, a refresh, a replay …
var complete = []history.Event{
	{Action: history.Exchange, Code: "c", Answer: history.Refused, Foreign: true},
	{Action: history.Exchange, Code: "c", Answer: history.OK},
	{Action: history.Exchange, Code: "c", Answer: history.Refused},
	{Action: history.Refresh, Code: "c", Answer: history.OK},
	{Action: history.Refresh, Code: "c", Answer: history.Refused},
	{Action: history.UserInfo, Code: "c", Answer: history.OK},
	{Action: history.Introspect, Code: "c", Answer: history.Refused},
}

func TestARunThatShowsTooLittleOfOpenIDConnectFails(t *testing.T) {
	n := countOIDC(complete)
	if want := (oidcCounts{Logins: 1, Exchanges: 2, SecondUses: 1, Refreshes: 1, Replays: 1, Active: 1, Inactive: 1, Foreign: 1}); n != want {
		t.Errorf("%+v, want %+v", n, want)
	}
	if err := n.check(); err != nil {
		t.Error(err)
	}
	for i := range reflect.TypeFor[oidcCounts]().NumField() {
		without := n
		reflect.ValueOf(&without).Elem().Field(i).SetInt(0)
		if err := without.check(); !errors.Is(err, errNoOIDC) {
			t.Errorf("without %s: %v", reflect.TypeFor[oidcCounts]().Field(i).Name, err)
		}
	}
	if err := (&report{}).conclude(""); !errors.Is(err, errNoOIDC) {
		t.Errorf("an empty run: %v", err)
	}
}

func TestUnansweredCallsDoNotCount(t *testing.T) {
	var unknown []history.Event
	for _, e := range complete {
		e.Answer = history.Busy
		unknown = append(unknown, e)
	}
	if n := countOIDC(unknown); n != (oidcCounts{}) {
		t.Errorf("%+v", n)
	}
}
