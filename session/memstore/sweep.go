package memstore

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// DefaultMaxBytes bounds a store in memory. Below 80 % of it are 82,500 of the longest
// codes that nobody scanned, which is what the default limits let one pool have.
const DefaultMaxBytes = 320 << 20

// overhead is what a code takes beside its texts: the session itself, its places
// in the map and in the list of ends, and what the allocator rounds up
// (TestTheEstimateOfACodeIsNoLessThanItTakes).
const overhead = 1024

// sizeOf estimates what a session holds, in bytes, no less than it takes.
func sizeOf(s session.Session) int64 {
	u := s.User
	n := overhead + len(s.ID) + len(s.Pool) + len(s.Op) + len(s.Payload) + len(s.CustomData) + len(s.Client.IP) + len(s.Client.UserAgent) +
		len(s.Salt) + len(s.SecretID) + len(s.CookieHash) + len(s.Challenge) + len(s.Trace) +
		len(u.ID) + len(u.Username) + len(u.Nickname) + len(u.Photo) + len(u.Email) + len(u.Phone)
	if len(u.More) > 0 {
		n += maxMore
	}
	return int64(n)
}

// maxMore is what further claims take at most: session.User bounds all of a user
// to 4 KiB of JSON, which is up to four times as much as Go values.
const maxMore = 16 << 10

// put keeps s, and notes when it is to be removed; st.mu is held.
func (st *Store) put(s session.Session) {
	stored, known := st.codes[s.ID]
	st.used += sizeOf(s)
	if known {
		st.used -= sizeOf(stored)
	}
	st.codes[s.ID] = s
	if end := sweptAt(s); !known || end != sweptAt(stored) {
		st.ends[end] = append(st.ends[end], s.ID)
		st.first = min(st.first, end)
	}
}

// sweptAt is the first whole second (Unix time) in which s is forgotten.
func sweptAt(s session.Session) int64 { return forgetAt(s).Unix() + 1 }

// remove drops a code; st.mu is held.
func (st *Store) remove(s session.Session) {
	st.used -= sizeOf(s)
	delete(st.codes, s.ID)
}

// sweep removes the codes that are forgotten at now; st.mu is held. Each second's
// codes are looked at once, so that a step pays for it a constant on average.
func (st *Store) sweep(now time.Time) {
	if len(st.ends) == 0 {
		return
	}
	for ; st.first <= now.Unix(); st.first++ {
		for _, id := range st.ends[st.first] {
			if s, ok := st.codes[id]; ok && forgotten(s, now) {
				st.remove(s)
			}
		}
		delete(st.ends, st.first)
		if len(st.ends) == 0 {
			st.first = never
			return
		}
	}
}

// Usage implements [session.UsageReporter]: the estimated bytes of the codes that are kept.
func (st *Store) Usage(context.Context) (session.Usage, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sweep(st.Now())
	return session.Usage{Used: st.used, Max: st.max}, nil
}
