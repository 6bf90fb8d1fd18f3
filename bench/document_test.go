package main

import (
	"strings"
	"testing"
)

func TestTargetsAreComparedWithMedians(t *testing.T) {
	r := comparison{Sizes: sizes{Rounds: 3, Low: 25, High: 100}, Figures: map[string][]float64{
		"push.high.nodes/scanlogin": {2, 1, 3}, "push.high.nodes/centrifuge": {1},
		"push.low.p50/scanlogin": {3}, "push.low.p50/centrifuge": {2},
		"scan.rate/scanlogin": {600}, "scan.rate/echo": {1_000},
		"login.cpu/scanlogin":        {1},
		"waiting.resident/scanlogin": {6_000, 20_000, 6_500},
		"push.lost/scanlogin":        {0, 0, 1},
		"push.high.redis/scanlogin":  {0}, "push.high.redis/centrifuge": {0},
	}}
	text, err := r.document("", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| CPU of both nodes per confirm at 100/s, relative to centrifuge's bare publish, ms | 2.00 (1.00 … 3.00) | 1.00 | 2.00 | ≤ 1.25 × | **missed** |",
		"at 25/s, median, relative to bare publish, ms | 3.00 | 2.00 | 1.50 | ≤ 1.00 × | **missed** |",
		"0.6 | ≥ 0.7 × | **missed** |",
		"| Resident memory per waiting page, B | 6500 (6000 … 20000) |  |  | ≤ 6500 | met |",
		"| Pushes missing at both rates, pages | 0 (0 … 1.00) |  |  | none | **missed** |",
		"relative to bare publish, ms | 0 | 0 | — | ≤ 1.50 × | not measured |", // CPU time is counted in ticks of 10 ms
		"| CPU of node and Redis per whole login, relative to before | | | | ≤ 0.3 × | not measured |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

func TestManualTextIsKept(t *testing.T) {
	r := comparison{Figures: make(map[string][]float64)}
	first, err := r.document("Some words.\n", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.document(manualText(string(first)), "", nil)
	if err != nil || string(first) != string(second) {
		t.Errorf("%v: %s\nbecame\n%s", err, first, second)
	}
	if got := manualText("no marks"); got != "" {
		t.Errorf("a document without marks has the manual text %q", got)
	}
}

func TestMedian(t *testing.T) {
	for want, all := range map[float64][]float64{2: {3, 1, 2}, 2.5: {4, 1, 3, 2}, 7: {7}} {
		if got := median(all); got != want {
			t.Errorf("the median of %v is %v", all, got)
		}
	}
}
