package fairshare

import "time"

// maxKeys bounds the keys per generation: 50,000 networks take about 5 MB. Further networks
// are not counted, so only their pools are limited.
const maxKeys = 50_000

// window counts events per key within approximately the last life: the current generation,
// and a proportional part of the previous one.
type window struct {
	life     time.Duration
	began    time.Time // of the current generation
	now, old generation
	newKeys  int     // keys of now that are not in old
	frozen   float64 // the total from which shares are computed; 0: the running total
	minPart  float64 // of the total; a key that has at most this is not above its share
}

type generation struct {
	counts map[string]int
	total  int
}

func newGeneration() generation { return generation{counts: make(map[string]int)} }

func newWindow(life time.Duration, minPart float64) *window {
	return &window{life: life, minPart: minPart, now: newGeneration(), old: newGeneration()}
}

// rotate starts a new generation if the current one has ended.
func (w *window) rotate(now time.Time) {
	switch age := now.Sub(w.began); {
	case age < w.life:
		return
	case age < 2*w.life:
		w.old, w.began = w.now, w.began.Add(w.life)
	default:
		w.old, w.began = newGeneration(), now
	}
	w.now, w.newKeys = newGeneration(), 0
}

func (w *window) add(key string, now time.Time) {
	w.rotate(now)
	if w.now.counts[key] == 0 {
		if len(w.now.counts) >= maxKeys {
			return
		}
		if w.old.counts[key] == 0 {
			w.newKeys++
		}
	}
	w.now.counts[key]++
	w.now.total++
}

// recent returns the count of the current generation plus the part of the previous one that is
// still within the last life.
func (w *window) recent(counted, before int, now time.Time) float64 {
	left := 1 - float64(now.Sub(w.began))/float64(w.life)
	return float64(counted) + float64(before)*min(1, max(0, left))
}

func (w *window) total(now time.Time) float64 {
	w.rotate(now)
	return w.recent(w.now.total, w.old.total, now)
}

// isAbove reports whether key has more than MinShare, more than minPart of the total, and more
// than an equal share.
func (w *window) isAbove(key string, now time.Time) bool {
	total := w.frozen
	if total == 0 {
		total = w.total(now)
	}
	w.rotate(now)
	recent := w.recent(w.now.counts[key], w.old.counts[key], now)
	active := len(w.old.counts) + w.newKeys
	return recent > max(MinShare, w.minPart*total, total/float64(active))
}
