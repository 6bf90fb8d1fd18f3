package fairshare

import "time"

// maxKeys bounds the keys of a generation: 50,000 networks take some 5 MB. Those
// beyond it are not counted, and so have no share to be above of; their pools have.
const maxKeys = 50_000

// window counts what came under each key within about the last life: that of this
// generation, and of the one before the part that is still within.
type window struct {
	life     time.Duration
	began    time.Time // of this generation
	now, old generation
	onlyNow  int     // keys of now that are not in old
	fixed    float64 // the total that shares are parts of; 0: the total as it is
	part     float64 // of the total, which is never above a share
}

type generation struct {
	counts map[string]int
	total  int
}

func newGeneration() generation { return generation{counts: make(map[string]int)} }

func newWindow(life time.Duration, part float64) *window {
	return &window{life: life, part: part, now: newGeneration(), old: newGeneration()}
}

// turn begins a new generation where this one is over.
func (w *window) turn(now time.Time) {
	switch age := now.Sub(w.began); {
	case age < w.life:
		return
	case age < 2*w.life:
		w.old, w.began = w.now, w.began.Add(w.life)
	default:
		w.old, w.began = newGeneration(), now
	}
	w.now, w.onlyNow = newGeneration(), 0
}

func (w *window) add(key string, now time.Time) {
	w.turn(now)
	if w.now.counts[key] == 0 {
		if len(w.now.counts) >= maxKeys {
			return
		}
		if w.old.counts[key] == 0 {
			w.onlyNow++
		}
	}
	w.now.counts[key]++
	w.now.total++
}

// recent is now and the part of old that is within the last life.
func (w *window) recent(counted, before int, now time.Time) float64 {
	left := 1 - float64(now.Sub(w.began))/float64(w.life)
	return float64(counted) + float64(before)*min(1, max(0, left))
}

func (w *window) total(now time.Time) float64 {
	w.turn(now)
	return w.recent(w.now.total, w.old.total, now)
}

// isAbove reports whether key has more than Least, more than part of the total, and more than
// an equal share.
func (w *window) isAbove(key string, now time.Time) bool {
	total := w.fixed
	if total == 0 {
		total = w.total(now)
	}
	w.turn(now)
	recent := w.recent(w.now.counts[key], w.old.counts[key], now)
	active := len(w.old.counts) + w.onlyNow
	return recent > max(Least, w.part*total, total/float64(active))
}
