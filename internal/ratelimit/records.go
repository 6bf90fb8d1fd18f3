package ratelimit

import "time"

// records is a map of at most max keys. When it is full, a new key evicts one that has
// expired or was not used recently (the clock algorithm for memory pages), so a flood of
// new keys does not evict those in use. Each call takes constant time: it examines at
// most maxExamined keys.
type records struct {
	max   int
	byKey map[string]record
	ring  []string // the keys of byKey, each in its slot
	hand  int      // the slot of a full ring to examine next
}

// record is the state of a key until end: a counter, an allowance, for which end is the time
// at which it is full again, or a window.
type record struct {
	count int
	taken []request // of a window, oldest first; not modified in place
	end   time.Time
	used  bool // since the hand passed
}

// request is a request in a window.
type request struct {
	id string
	at time.Time
}

// maxExamined bounds the search for a slot. A key that was used is passed over once.
const maxExamined = 8

func newRecords(max int) *records { return &records{max: max, byKey: make(map[string]record)} }

// get returns the record of key, or the zero record if there is none or it has expired.
func (rs *records) get(key string, now time.Time) record {
	r := rs.byKey[key]
	if !now.Before(r.end) {
		return record{}
	}
	return r
}

// put stores r, and evicts another key if there is no free slot.
func (rs *records) put(key string, r record, now time.Time) {
	_, r.used = rs.byKey[key]
	if !r.used {
		rs.assignSlot(key, now)
	}
	rs.byKey[key] = r
}

// reset makes the record of key expire. Its slot is reused when the hand reaches it.
func (rs *records) reset(key string) {
	if _, ok := rs.byKey[key]; ok {
		rs.byKey[key] = record{}
	}
}

// assignSlot gives key a slot in the ring: that of an expired key, else of the first of
// maxExamined that was not used, else of the last of them.
func (rs *records) assignSlot(key string, now time.Time) {
	if len(rs.ring) < rs.max {
		rs.ring = append(rs.ring, key)
		return
	}
	victim := -1
	for i := range maxExamined {
		slot := (rs.hand + i) % len(rs.ring)
		r := rs.byKey[rs.ring[slot]]
		if !now.Before(r.end) {
			victim = slot
			break
		}
		switch {
		case victim >= 0: // only an expired key would be better
		case r.used && i < maxExamined-1:
			r.used = false
			rs.byKey[rs.ring[slot]] = r
		default:
			victim = slot
		}
	}
	delete(rs.byKey, rs.ring[victim])
	rs.ring[victim] = key
	rs.hand = (victim + 1) % len(rs.ring)
}
