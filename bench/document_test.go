package main

import (
	"strings"
	"testing"
)

func TestTargetsAreComparedWithMedians(t *testing.T) {
	r := comparison{Sizes: sizes{Scale: []int{10, 20}, Rounds: 3}, Figures: map[string][]float64{
		"idle.resident/scanlogin":  {9_000, 20_000, 10_000},
		"idle.live/scanlogin":      {8_000, 7_600, 7_400},
		"idle.resident/centrifuge": {50_000},
		"scan.rate/scanlogin":      {600}, "scan.rate/echo": {1_000},
		"scan.cpu/scanlogin": {3}, "scan.cpu/echo": {1},
		"push.lost/scanlogin": {0, 0, 1},
		"scale.live/10":       {100, 101, 102}, "scale.live/20": {120, 121, 122},
		"idle.cpu/scanlogin": {0}, "idle.cpu/nchan": {0},
	}}
	text, err := r.document("")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| Resident memory per waiting page, B | 10000 (9000 … 20000) |  |  | ≤ 10000 | met |",
		"| … memory in use after a collection, B | 7600 (7400 … 8000) |  |  | ≤ 7500 | **missed** |",
		"| … resident memory relative to centrifuge, B | 10000 (9000 … 20000) | 50000 | 0.2 | ≤ 0.2 × | met |",
		"0.6 | ≥ 0.75 × | **missed** |",
		"3.00 | ≤ 2.00 × | **missed** |",
		"| Lost pushes, pages | 0 (0 … 1.00) |  |  | none | **missed** |",
		"| 121 (120 … 122) | 101 (100 … 102) | 1.20 | ≤ 1.22 × | met |",
		"| … relative to nchan, % | 0 | 0 | — | ≤ 1.00 × | not measured |", // CPU time is counted in ticks of 10 ms
		"| QR picture, relative to go-qrcode's pattern alone | | | | ≤ 1.10 × | not measured |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

func TestManualTextIsKept(t *testing.T) {
	r := comparison{Figures: make(map[string][]float64)}
	first, err := r.document("Some words.\n")
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.document(manualText(string(first)))
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
