package memstore

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// DefaultMaxBytes bounds a store in memory. 80 % of it hold 82,500 unscanned codes of
// maximum length, as many as the default limits allow one pool.
const DefaultMaxBytes = 320 << 20

// overhead is the size of a code without its texts: the session itself, its entries in the
// maps, and the rounding of the allocator (TestTheSizeOfACodeIsNotUnderestimated).
const overhead = 1024

// sizeOf estimates the size of a session in bytes, and does not underestimate it.
func sizeOf(s session.Session) int64 {
	u := s.User
	n := overhead + len(s.ID) + len(s.Pool) + len(s.Op) + len(s.Payload) + len(s.CustomData) + len(s.Client.IP) + len(s.Client.UserAgent) +
		len(s.Salt) + len(s.SecretID) + len(s.CookieHash) + len(s.GrantHash) + len(s.BrowserHash) + len(s.Challenge) + len(s.Trace) +
		len(u.ID) + len(u.Username) + len(u.Nickname) + len(u.Photo) + len(u.Email) + len(u.Phone)
	a := s.Authorization
	n += len(a.ClientID) + len(a.RedirectURI) + len(a.Scope) + len(a.Nonce) + len(a.RequestHash)
	if len(u.More) > 0 {
		n += maxClaims
	}
	return int64(n)
}

// maxClaims is the maximum size of the additional claims: session.User bounds a user to
// 4 KiB of JSON, which takes up to four times as much as Go values.
const maxClaims = 16 << 10

// put stores s and schedules its eviction; st.mu is held.
func (st *Store) put(s session.Session) {
	stored, exists := st.codes[s.ID]
	st.usedBytes += sizeOf(s)
	if exists {
		st.usedBytes -= sizeOf(stored)
	}
	st.codes[s.ID] = s
	if at := evictAt(s); !exists || at != evictAt(stored) {
		st.evictions[at] = append(st.evictions[at], s.ID)
		st.nextEvict = min(st.nextEvict, at)
	}
}

// evictAt returns the first full second (Unix time) at which s has expired.
func evictAt(s session.Session) int64 { return expiryOf(s).Unix() + 1 }

// remove deletes a code; st.mu is held.
func (st *Store) remove(s session.Session) {
	st.usedBytes -= sizeOf(s)
	delete(st.codes, s.ID)
}

// evict removes the codes that have expired; st.mu is held. It examines the codes of each
// second once, so its cost per step is constant on average.
func (st *Store) evict(now time.Time) {
	if len(st.evictions) == 0 {
		return
	}
	for ; st.nextEvict <= now.Unix(); st.nextEvict++ {
		for _, id := range st.evictions[st.nextEvict] {
			if s, ok := st.codes[id]; ok && isExpired(s, now) {
				st.remove(s)
			}
		}
		delete(st.evictions, st.nextEvict)
		if len(st.evictions) == 0 {
			st.nextEvict = never
			return
		}
	}
}

// Usage implements [session.Measured] with the estimated size of the stored codes.
func (st *Store) Usage(context.Context) (session.Usage, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.evict(st.Now())
	return session.Usage{Used: st.usedBytes, Max: st.maxBytes}, nil
}
