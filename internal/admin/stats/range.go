package stats

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Range is how far back statistics go, and in which steps.
type Range struct {
	Name    string
	Period  time.Duration // resolution; divides the Unix epoch's hours
	Periods int           // number of periods, including the current one
}

// Ranges are the ranges that are recorded, the shortest first. Each is recorded separately: a range of
// seven days takes 84 records, not 10,080.
var Ranges = [...]Range{
	{"1h", time.Minute, 60},
	{"24h", 15 * time.Minute, 96},
	{"7d", 2 * time.Hour, 84},
}

// number returns the number of the period of t, counted from the Unix epoch.
func (r Range) number(t time.Time) int64 { return t.Unix() / int64(r.Period/time.Second) }

// start returns when a period begins.
func (r Range) start(number int64) time.Time {
	return time.Unix(number*int64(r.Period/time.Second), 0)
}

// expiry returns when the records of a period may be deleted: when no range contains it any longer, and an
// hour later.
func (r Range) expiry(number int64) time.Time {
	return r.start(number).Add(time.Duration(r.Periods)*r.Period + time.Hour)
}

// hashOf returns the name of the hash with the reports of a period: one field per node. With a pool, it is
// what the nodes counted in that pool.
func (r Range) hashOf(number int64, pool string) string {
	name := "stats:"
	if r.Period != time.Minute { // the name of minutes is that of the first release
		name += fmt.Sprintf("%d:", int64(r.Period/time.Second))
	}
	name += fmt.Sprint(number)
	if pool != "" {
		sum := sha256.Sum256([]byte(pool)) // names have no dots and no dashes
		name += ":pool:" + hex.EncodeToString(sum[:8])
	}
	return name
}

// RangeOf returns the range of that name, and the first one for an unknown name.
func RangeOf(name string) Range {
	for _, r := range Ranges {
		if r.Name == name {
			return r
		}
	}
	return Ranges[0]
}
