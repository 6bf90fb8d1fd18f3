// Package audit writes the audit trail: one line of JSON for each step of a code, for each
// refused request and for each action of an administrator.
//
// It guarantees that no line contains a secret or allows its reader to watch a code, that no
// input can forge or hide a line, and that no login waits for the trail: if the disk is too
// slow, lines are dropped, and their number is written to the trail and to the log.
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

	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/session"
)

// Options configure a Trail.
type Options struct {
	File   string    // path; "-": Stdout
	Stdout io.Writer // required for "-"

	// HashAddresses writes HMACs instead of addresses, with HashKey, or with a random key
	// of this Trail if that is empty.
	HashAddresses bool
	HashKey       []byte

	Log *slog.Logger // for dropped lines; nil: no log
}

// queueSize bounds the lines that wait for the disk; they take a few megabytes.
const queueSize = 4096

// maxForRefusals is the queue length from which refusals are dropped, so that a flood of bad
// requests cannot displace steps.
const maxForRefusals = queueSize / 2

// Trail writes the audit trail of one node. Create it with Open.
type Trail struct {
	queue   chan record
	reopen  wakeup.Signal // set by Reopen
	file    *file
	hashKey []byte       // nil: addresses are not hashed
	gap     atomic.Int64 // lines dropped since the last written line
	dropped atomic.Int64 // lines dropped in total
	log     *slog.Logger

	mu   sync.Mutex
	last []string // the last written lines
}

// Open opens the trail's file, and creates it with mode 0600 if it does not exist. Run writes
// to it.
func Open(o Options) (*Trail, error) {
	f, err := openFile(o.File, o.Stdout)
	if err != nil {
		return nil, err
	}
	t := &Trail{queue: make(chan record, queueSize), reopen: wakeup.New(), file: f, log: o.Log}
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
	r := record{Time: session.FormatTime(a.Time), Event: "admin_" + a.Name, Pool: a.Pool, Admin: a.Admin}
	t.setAddress(&r, a.IP)
	t.enqueue(r, a.Admin == "")
}

// enqueue queues a line. Lines of refusals are dropped when half of the queue is used.
func (t *Trail) enqueue(r record, refused bool) {
	if !refused || len(t.queue) < maxForRefusals {
		select {
		case t.queue <- r:
			return
		default:
		}
	}
	t.drop(1, "the queue is full")
}

// drop counts lines that are lost. It logs the first one, and then each doubling of the
// number.
func (t *Trail) drop(n int64, reason string) {
	t.gap.Add(n)
	now := t.dropped.Add(n)
	if bits.Len64(uint64(now)) > bits.Len64(uint64(now-n)) { // #nosec G115 -- counts are not negative
		t.log.Error("audit lines dropped", "lines", now, "reason", reason)
	}
}

// recordOf returns the line for an event.
func (t *Trail) recordOf(e session.Event) record {
	r := record{
		Time: session.FormatTime(e.Time), Event: string(e.Kind), Pool: e.Pool, Client: e.Client, User: e.User,
		Request: e.RequestID, Call: e.Call, Reason: e.Reason,
	}
	if e.Code.ID != "" {
		sum := sha256.Sum256([]byte(e.Code.ID))
		r.Code = hex.EncodeToString(sum[:hashBytes])
	}
	switch e.Kind {
	case session.EventMade:
		r.Agent = e.Code.Client.UserAgent
	case session.EventExchanged, session.EventWithdrawn: // not done by the user, but about the user
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

// hash returns the keyed hash of an address.
func (t *Trail) hash(ip string) string {
	if addr, err := netip.ParseAddr(ip); err == nil {
		ip = addr.Unmap().WithZone("").String()
	}
	h := hmac.New(sha256.New, t.hashKey)
	_, _ = io.WriteString(h, ip) // never fails
	return hex.EncodeToString(h.Sum(nil)[:hashBytes])
}

// Reopen makes the trail reopen its file, after a rotation.
func (t *Trail) Reopen() { t.reopen.Set() }

// flushTimeout bounds the final write to a disk that hangs.
const flushTimeout = 2 * time.Second

// Run writes lines until ctx ends, and then the waiting ones for at most 2 s. Observe must not
// be called after that. A hanging write is abandoned, because nothing can interrupt it.
func (t *Trail) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		t.write(ctx.Done())
		close(done)
	}()
	<-ctx.Done()
	select {
	case <-done:
	case <-time.After(flushTimeout):
		t.log.Error("audit lines lost: the write did not finish", "lines", len(t.queue))
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
				t.log.Error("audit file not reopened; continuing with the old one", "error", err)
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

// batchBytes is the size from which a batch of waiting lines is written.
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

// maxLast is the number of lines that Last returns.
const maxLast = 200

func (t *Trail) remember(batch []byte) {
	lines := slices.Collect(strings.Lines(string(batch)))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, lines...)
	t.last = slices.Clone(t.last[max(0, len(t.last)-maxLast):])
}

// Last returns the last lines that this node wrote, newest first.
func (t *Trail) Last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := slices.Clone(t.last)
	slices.Reverse(last)
	return last
}
