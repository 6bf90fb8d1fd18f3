package session

import (
	"slices"
	"testing"
	"time"
)

func TestEachStepHasItsEventKind(t *testing.T) {
	s := at(Waiting)
	var got []EventKind
	for _, a := range []Action{Scan, Mismatch, Mismatch, Mismatch} {
		c := Change{Action: a, User: alice, TTL: time.Minute}
		var err error
		if s, err = Step(s, c, t0); err != nil {
			t.Fatal(err)
		}
		got = append(got, c.EventKind(s))
	}
	if want := []EventKind{EventScanned, EventMismatched, EventMismatched, EventCanceled}; !slices.Equal(got, want) {
		t.Errorf("kinds %v, want %v", got, want)
	}
	for action, want := range map[Action]EventKind{Confirm: EventConfirmed, Cancel: EventCanceled, Withdraw: EventWithdrawn} {
		c := Change{Action: action, User: alice, TTL: time.Minute}
		next, err := Step(at(Scanned), c, t0)
		if err != nil || c.EventKind(next) != want {
			t.Errorf("%s: %s, %v", action, c.EventKind(next), err)
		}
	}
	redeem := Change{Action: Redeem}
	if next, err := Step(at(Confirmed), redeem, t0); err != nil || redeem.EventKind(next) != EventExchanged {
		t.Errorf("redeem: %s, %v", redeem.EventKind(next), err)
	}
}

func TestEveryObserverReceivesEachEvent(t *testing.T) {
	var got []string
	observer := func(name string) Observer {
		return func(e Event) { got = append(got, name+" "+string(e.Kind)) }
	}
	observers := Observers{observer("a"), observer("b")}
	observers.Emit(Event{Kind: EventMade})
	observers.Emit(Event{Kind: EventScanned})
	if want := []string{"a made", "b made", "a scanned", "b scanned"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
