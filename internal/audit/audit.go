// Package audit writes who did what to which code: one line of JSON for each
// code made, scanned, confirmed, canceled, withdrawn and exchanged, and for each
// call refused.
//
// It promises that no line holds a secret or lets its reader watch a code, that
// nobody outside can make a line or hide one among others, and that no login
// waits for it: where the disk does not keep up, lines are dropped, and how many
// is told in the trail and in the log.
package audit

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Options say where the trail is written.
type Options struct {
	File   string    // path; "-": Stdout
	Stdout io.Writer // must be set for "-"

	// HashAddresses writes HMACs in the place of addresses, under HashKey, or
	// under a key of this Trail's own if that is empty.
	HashAddresses bool
	HashKey       []byte

	Log *slog.Logger // is told of lines that were dropped; nil: nobody is
}

// queueSize is how many lines may wait: half a minute at a hundred logins a
// minute with their refusals, in at most some megabytes.
const queueSize = 4096

// refusedMost is how many may wait for refusals to be among them, so that who
// floods a node with bad calls cannot push a step out of the trail.
const refusedMost = queueSize / 2

// Trail writes the trail of one node. Make it with Open.
type Trail struct {
	queue   chan record
	reopen  chan struct{} // holds a token when it is asked for
	file    *file
	hashKey []byte       // nil: addresses are written as they are
	gap     atomic.Int64 // lines dropped since one was written
	dropped atomic.Int64 // lines dropped, ever
	log     *slog.Logger

	mu   sync.Mutex
	last []string // lines that were written
}

// Open opens the trail's file, and makes it with mode 0600 if it is not there.
// Run writes to it.
func Open(o Options) (*Trail, error) {
	f, err := openFile(o.File, o.Stdout)
	if err != nil {
		return nil, err
	}
	t := &Trail{queue: make(chan record, queueSize), reopen: make(chan struct{}, 1), file: f, log: o.Log}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if o.HashAddresses {
		t.hashKey = o.HashKey
		if len(t.hashKey) == 0 {
			t.hashKey = make([]byte, sha256.Size)
			rand.Read(t.hashKey) // never fails (crypto/rand, Go 1.24)
		}
	}
	return t, nil
}

// Observe queues an event to be written. It does not wait. It is a session.Observer.
func (t *Trail) Observe(e session.Event) {
	refused := e.Kind == session.EventRefused
	if refused && e.Call == "" {
		return // no such route: nothing was attempted
	}
	t.enqueue(t.recordOf(e), refused)
}

// AdminAction is something that an administrator did in the console, or a login there
// that was refused. It has the fields of admin.Action, so that one converts to the other.
type AdminAction struct {
	Time  time.Time
	Name  string
	Admin string // "" for a refused login
	IP    string
	Pool  string
}

// ObserveAdmin queues an administrator's action to be written. It does not wait.
func (t *Trail) ObserveAdmin(a AdminAction) {
	r := record{Time: a.Time.UTC().Format(timeFormat), Event: "admin_" + a.Name, Pool: a.Pool, Admin: a.Admin}
	t.setAddress(&r, a.IP)
	t.enqueue(r, a.Admin == "")
}

// enqueue queues a line. Lines of refusals are dropped when half of the queue is used.
func (t *Trail) enqueue(r record, refused bool) {
	if !refused || len(t.queue) < refusedMost {
		select {
		case t.queue <- r:
			return
		default:
		}
	}
	t.drop(1, "the queue is full")
}

// drop counts lines that will never be written, and says so rarely: for the
// first, and whenever there are twice as many.
func (t *Trail) drop(n int64, reason string) {
	t.gap.Add(n)
	now := t.dropped.Add(n)
	if bits.Len64(uint64(now)) > bits.Len64(uint64(now-n)) { // #nosec G115 -- counts are not negative
		t.log.Error("audit lines are dropped", "lines", now, "reason", reason)
	}
}

// recordOf is what the trail says of an event.
func (t *Trail) recordOf(e session.Event) record {
	r := record{
		Time: e.Time.UTC().Format(timeFormat), Event: string(e.Kind), Pool: e.Pool, User: e.User,
		Request: e.RequestID, Call: e.Call, Reason: e.Reason,
	}
	if e.Code.ID != "" {
		sum := sha256.Sum256([]byte(e.Code.ID))
		r.Code = hex.EncodeToString(sum[:hashBytes])
	}
	switch e.Kind {
	case session.EventMade:
		r.Agent = e.Code.Client.UserAgent
	case session.EventExchanged, session.EventWithdrawn: // no user did it, but it is about one
		r.User = cmp.Or(e.User, e.Code.User.ID)
	}
	t.setAddress(&r, e.IP)
	return r
}

// setAddress writes an address into r, as it is or hashed.
func (t *Trail) setAddress(r *record, ip string) {
	if t.hashKey == nil {
		r.Address = ip
	} else {
		r.AddressHash = t.hash(ip)
	}
}

// hash names an address for who has the key.
func (t *Trail) hash(ip string) string {
	if addr, err := netip.ParseAddr(ip); err == nil {
		ip = addr.Unmap().WithZone("").String()
	}
	h := hmac.New(sha256.New, t.hashKey)
	_, _ = io.WriteString(h, ip) // a hash takes all
	return hex.EncodeToString(h.Sum(nil)[:hashBytes])
}

// Reopen has the file opened anew, after it was moved away.
func (t *Trail) Reopen() {
	select {
	case t.reopen <- struct{}{}:
	default: // it is due already
	}
}

// farewell is how long a disk that does not write may hold up the end.
const farewell = 2 * time.Second

// Run writes until ctx ends, and then what is still waiting, for 2 s at most.
// Nothing may witness after that. A write that hangs is left behind, as nothing
// ends it but the disk.
func (t *Trail) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		t.write(ctx.Done())
		close(done)
	}()
	<-ctx.Done()
	select {
	case <-done:
	case <-time.After(farewell):
		t.log.Error("audit lines are lost: the trail does not take them", "lines", len(t.queue))
	}
}

// write takes lines from the queue until stop is closed and the queue is empty.
func (t *Trail) write(stop <-chan struct{}) {
	defer t.file.close()
	for {
		select {
		case r := <-t.queue:
			t.writeBatch(r)
		case <-t.reopen:
			if err := t.file.reopen(); err != nil {
				t.log.Error("the audit file could not be opened anew; the old one is written to", "error", err)
			}
		case <-stop:
			select {
			case r := <-t.queue:
				t.writeBatch(r)
			default:
				return
			}
		}
	}
}

// batchBytes is how much is written at once, if so much is waiting.
const batchBytes = 64 << 10

func (t *Trail) writeBatch(r record) {
	var batch []byte
	lines := int64(1)
	gap := t.gap.Swap(0)
	if gap > 0 {
		batch = record{Time: r.Time, Event: "dropped", Count: gap}.appendTo(batch)
	}
	batch = r.appendTo(batch)
	for len(batch) < batchBytes {
		select {
		case r := <-t.queue:
			batch = r.appendTo(batch)
			lines++
			continue
		default:
		}
		break
	}
	if err := t.file.write(batch); err != nil {
		t.gap.Add(gap)
		t.drop(lines, err.Error())
		return
	}
	t.remember(batch)
}

// mostLast is how many lines are remembered, for a person to look at.
const mostLast = 30

func (t *Trail) remember(batch []byte) {
	lines := slices.Collect(strings.Lines(string(batch)))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, lines...)
	t.last = slices.Clone(t.last[max(0, len(t.last)-mostLast):])
}

// Last returns the last lines that this node wrote, the newest first.
func (t *Trail) Last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := slices.Clone(t.last)
	slices.Reverse(last)
	return last
}
