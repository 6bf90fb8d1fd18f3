package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
)

// TestDurationsAreNumbersWithUnits writes no-break spaces as _.
func TestDurationsAreNumbersWithUnits(t *testing.T) {
	visible := func(text string) string { return strings.ReplaceAll(text, "\u00a0", "_") }
	for d, want := range map[time.Duration]string{
		-time.Second: "0_s", 0: "0_s", 312 * time.Millisecond: "300_ms", 960 * time.Millisecond: "1_s", 1540 * time.Millisecond: "1.5_s", 42400 * time.Millisecond: "42_s",
		59700 * time.Millisecond: "1_min", 200 * time.Second: "3_min_20_s", time.Hour: "1_h", 3*time.Hour + 20*time.Minute + 5*time.Second: "3_h_20_min",
		100*time.Hour + time.Minute: "100_h_1_min",
	} {
		if got := visible(roughly(d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if got := visible(share(1, 3)); got != "33_%" {
		t.Errorf("a third is %s", got)
	}
	usage := 0.25
	n := newNode(stats.Node{Report: stats.Report{Load: stats.Load{StoreUsage: &usage}, StoreTime: 1234 * time.Microsecond}}, time.Time{}, english)
	if visible(n.Latency) != "1.23_ms" || visible(n.Store) != "25_%" {
		t.Errorf("latency %s, store %s", n.Latency, n.Store)
	}
}
