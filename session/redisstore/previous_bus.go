package redisstore

import (
	"encoding/json"
	"maps"

	"github.com/scanlogin/scanlogin/session"
)

// A bus subscribes the channel of this release, and reads the session when Redis has
// acknowledged that. If it finds a record of the previous release, it subscribes the channel
// of that release instead, and reads again.

// followPrevious has the channel of the previous release subscribed for a session, and returns
// false if it is already.
func (b *Bus) followPrevious(id session.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, follows := b.previous[id]; follows || b.watched[id] == nil {
		return false
	}
	b.previous[id] = struct{}{}
	b.pending[id] = struct{}{}
	b.changed.Set()
	return true
}

// channel returns the channel to subscribe for a session; b.mu is held.
func (b *Bus) channel(id session.ID) string {
	if _, follows := b.previous[id]; follows {
		return b.store.previousKey(id)
	}
	return b.store.key(id)
}

// appendChannels appends the channels that may be subscribed for a session that is no longer
// watched; b.mu is held.
func (b *Bus) appendChannels(channels []string, id session.ID) []string {
	if _, follows := b.previous[id]; follows {
		delete(b.previous, id)
		channels = append(channels, b.store.previousKey(id))
	}
	return append(channels, b.store.key(id))
}

// forgetPrevious forgets the sessions that are no longer watched, when there is a new connection;
// b.mu is held.
func (b *Bus) forgetPrevious() {
	maps.DeleteFunc(b.previous, func(id session.ID, _ struct{}) bool { return b.watched[id] == nil })
}

// watchedIn returns the session whose channel this is, in either release.
func (b *Bus) watchedIn(channel string) (id session.ID, isPrevious, ok bool) {
	if id, ok := b.store.idOf(channel); ok {
		return id, false, true
	}
	id, ok = b.store.previousIDOf(channel)
	return id, true, ok
}

// parseMessage reads an announcement of either release.
func parseMessage(text string, isPrevious bool) (session.Snapshot, error) {
	if !isPrevious {
		return parseAnnouncement(text)
	}
	var s session.Snapshot
	err := json.Unmarshal([]byte(text), &s)
	return s, err
}
