package kvtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
)

type fields = map[string]string

// change makes a change at one node, and verifies that the other reads what it returned.
func (s *suite) change(at, other kv.Store, name string, c kv.Change) (fields, bool) {
	s.Helper()
	if c.Expiry.IsZero() {
		c.Expiry = time.Now().Add(time.Minute)
	}
	after, done, err := at.Change(s.Context(), name, c)
	if err != nil {
		s.Fatal(err)
	}
	read, err := other.Get(s.Context(), name)
	if err != nil || !maps.Equal(read[0], after) {
		s.Fatalf("changed to %v, but read %v, %v", after, read, err)
	}
	return after, done
}

func (s *suite) changeIsConditional() {
	for i, step := range []struct {
		change kv.Change
		done   bool
		after  fields
	}{
		{kv.Change{If: fields{"x": "1"}, Set: fields{"x": "2"}}, false, nil},
		{kv.Change{If: fields{"x": ""}, Set: fields{"x": "1", "y": "1"}}, true, fields{"x": "1", "y": "1"}},
		{kv.Change{If: fields{"x": ""}, Set: fields{"x": "1", "y": "1"}}, true, fields{"x": "1", "y": "1"}},  // repeated
		{kv.Change{If: fields{"x": ""}, Set: fields{"x": "1", "y": "2"}}, false, fields{"x": "1", "y": "1"}}, // half of it
		{kv.Change{If: fields{"x": "1", "y": "2"}, Set: fields{"x": "2"}}, false, fields{"x": "1", "y": "1"}},
		{kv.Change{If: fields{"x": "2", "y": "1"}, Set: fields{"x": "2"}}, false, fields{"x": "1", "y": "1"}},
		{kv.Change{If: fields{"x": "1", "y": "1", "z": ""}, Set: fields{"x": "2", "z": "3"}}, true, fields{"x": "2", "y": "1", "z": "3"}},
		{kv.Change{If: fields{"z": "3"}, Set: fields{"z": ""}}, true, fields{"x": "2", "y": "1", "z": ""}},
		{kv.Change{If: fields{"z": ""}, Set: fields{"y": "4"}, Durable: true}, true, fields{"x": "2", "y": "4", "z": ""}},
		{kv.Change{Set: fields{"x": "5"}}, true, fields{"x": "5", "y": "4", "z": ""}},
	} {
		if after, done := s.change(s.a, s.b, s.name, step.change); done != step.done || !maps.Equal(after, step.after) {
			s.Errorf("step %d: %v, %v; want %v, %v", i, after, done, step.after, step.done)
		}
	}
}

func (s *suite) changeExpires() {
	set := func(value string) kv.Change { return kv.Change{Set: fields{"x": value}} }
	s.change(s.a, s.b, s.name, set("1"))
	past := set("2")
	past.Expiry = time.Now().Add(-time.Second)
	past.If = fields{"x": "3"}
	if after, done := s.change(s.a, s.b, s.name, past); done || after["x"] != "1" {
		s.Errorf("a condition does not hold: %v, %v", after, done)
	}
	past.If = nil
	if after, done := s.change(s.a, s.b, s.name, past); !done || len(after) > 0 {
		s.Errorf("with an expiry in the past: %v, %v", after, done)
	}
	soon := set("3")
	soon.Expiry = time.Now().Add(100 * time.Millisecond)
	if _, _, err := s.a.Change(s.Context(), s.name, soon); err != nil {
		s.Fatal(err)
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		// A hash that has expired has no field, so the condition holds then. It may expire at
		// any moment, so it is not read at the other node.
		after, done, err := s.b.Change(s.Context(), s.name, kv.Change{If: fields{"x": ""}, Set: fields{"y": "4"}, Expiry: time.Now().Add(time.Minute)})
		if err != nil {
			s.Fatal(err)
		}
		if done {
			if !maps.Equal(after, fields{"y": "4"}) {
				s.Errorf("the hash that expired has %v", after)
			}
			return
		}
		if time.Now().After(deadline) {
			s.Fatal("the hash does not expire")
		}
	}
}

func (s *suite) oneChangeIsDone() {
	before := "" // the field is missing
	for round := range 10 {
		var won atomic.Int64
		var writers sync.WaitGroup
		for i := range 10 {
			writers.Go(func() {
				node := []kv.Store{s.a, s.b}[i%2]
				c := kv.Change{
					If:     fields{"round": before},
					Set:    fields{"round": fmt.Sprint(round + 1), "by": fmt.Sprint(i)},
					Expiry: time.Now().Add(time.Minute),
				}
				after, done, err := node.Change(s.Context(), s.name, c)
				if err != nil || after["round"] != c.Set["round"] || done != (after["by"] == c.Set["by"]) {
					s.Errorf("%v, %v, %v", after, done, err)
				}
				if done {
					won.Add(1)
				}
			})
		}
		writers.Wait()
		if won.Load() != 1 {
			s.Fatalf("round %d: %d changes are done", round, won.Load())
		}
		before = fmt.Sprint(round + 1)
	}
}

// changesFollowModel makes random changes of few fields and values at both nodes.
func (s *suite) changesFollowModel() {
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	some := func(least int) fields {
		f := make(fields)
		for range least + random.IntN(3) {
			f[string("xyz"[random.IntN(3)])] = []string{"", "1", "2"}[random.IntN(3)]
		}
		return f
	}
	holds := func(stored, want fields) bool {
		for field, value := range want {
			if stored[field] != value {
				return false
			}
		}
		return true
	}
	model := make(fields)
	for i := range 300 {
		c := kv.Change{If: some(0), Set: some(1)}
		want := holds(model, c.If) || holds(model, c.Set)
		if want {
			maps.Copy(model, c.Set)
		}
		nodes := []kv.Store{s.a, s.b}
		after, done := s.change(nodes[i%2], nodes[1-i%2], s.name, c)
		if done != want || !maps.Equal(after, model) {
			s.Fatalf("change %d, %+v: %v, %v; want %v, %v", i, c, after, done, model, want)
		}
	}
}
