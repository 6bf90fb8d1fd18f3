package stats

import "time"

// bounds are the upper bounds of the buckets, by a factor of about 1.6; the last bucket has
// none. Users take between a second and the ten minutes that a code can be valid.
var bounds = [...]time.Duration{
	500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second,
	13 * time.Second, 21 * time.Second, 34 * time.Second, 55 * time.Second, 90 * time.Second,
	150 * time.Second, 4 * time.Minute, 10 * time.Minute,
}

// Durations counts durations by bucket.
type Durations [len(bounds) + 1]int

func (t *Durations) count(d time.Duration) {
	for i, bound := range bounds {
		if d <= bound {
			t[i]++
			return
		}
	}
	t[len(bounds)]++
}

func (t *Durations) add(other Durations) {
	for i, n := range other {
		t[i] += max(0, n)
	}
}

// Percentile estimates the duration that p of the counted ones do not exceed, for p from 0 to 1.
// It interpolates within a bucket, so that the estimate is off by less than the factor of 1.6 between
// two bounds; durations above 10 minutes count as 10 minutes. ok is false if nothing was counted.
func (t Durations) Percentile(p float64) (d time.Duration, ok bool) {
	all := 0
	for _, n := range t {
		all += n
	}
	if all == 0 {
		return 0, false
	}
	rank, below := p*float64(all), 0.0
	for i, n := range t[:len(bounds)] {
		if below+float64(n) >= rank && n > 0 {
			from := time.Duration(0)
			if i > 0 {
				from = bounds[i-1]
			}
			return from + time.Duration((rank-below)/float64(n)*float64(bounds[i]-from)), true
		}
		below += float64(n)
	}
	return bounds[len(bounds)-1], true
}
