package stats

import "time"

// edges are the upper ends of the buckets in which times are counted, some 1.6
// apart; the last bucket has no end. What people take for a scan or a decision
// is between a second and the ten minutes that a code can live.
var edges = [...]time.Duration{
	500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second,
	13 * time.Second, 21 * time.Second, 34 * time.Second, 55 * time.Second, 90 * time.Second,
	150 * time.Second, 4 * time.Minute, 10 * time.Minute,
}

// Times counts times by bucket.
type Times [len(edges) + 1]int

func (t *Times) count(d time.Duration) {
	for i, edge := range edges {
		if d <= edge {
			t[i]++
			return
		}
	}
	t[len(edges)]++
}

func (t *Times) add(other Times) {
	for i, n := range other {
		t[i] += max(0, n)
	}
}

// Median returns the time that half of those counted were below, as if they lay
// evenly in its bucket; ok is false if none was counted.
func (t Times) Median() (median time.Duration, ok bool) {
	all := 0
	for _, n := range t {
		all += n
	}
	if all == 0 {
		return 0, false
	}
	half, below := float64(all)/2, 0.0
	for i, n := range t[:len(edges)] {
		if below+float64(n) >= half && n > 0 {
			from := time.Duration(0)
			if i > 0 {
				from = edges[i-1]
			}
			return from + time.Duration((half-below)/float64(n)*float64(edges[i]-from)), true
		}
		below += float64(n)
	}
	return edges[len(edges)-1], true
}
