package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session/memstore"
)

// office is a sender whose receiver answers within the process, so that days
// pass in no time.
type office struct {
	queue  *queue.Memory
	letter string // id of the one message
	began  time.Time

	mu       sync.Mutex
	attempts []time.Duration // since began
	answer   func(w http.ResponseWriter)
}

// pipes is a listener whose connections are net.Pipes.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	close func() // closes done, once
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { p.close(); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// openOffice runs a sender with one message to send, until leave. It belongs
// into a bubble of synctest.
func openOffice(t *testing.T, answer func(w http.ResponseWriter)) (o *office, leave func()) {
	t.Helper()
	o = &office{queue: queue.NewMemory(), letter: "msg_1", began: time.Now(), answer: answer}
	key, err := pool.ParseWebhookKey(pool.FormatWebhookKey([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	book := pool.NewBook(&pool.Pool{ID: "p", Webhook: &pool.Webhook{URL: "http://receiver.example/hook", Keys: []pool.WebhookKey{key}}})
	s := newSender(New(Options{Pools: book, Store: memstore.New(), Queue: o.queue}), "p")
	line := pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	line.close = sync.OnceFunc(func() { close(line.done) })
	s.caller.transport.DialContext = line.dial
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		o.mu.Lock()
		o.attempts = append(o.attempts, time.Since(o.began))
		answer := o.answer
		o.mu.Unlock()
		answer(w)
	})}
	o.add(t, dueOf("p"), o.letter)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { server.Serve(line) })
	running.Go(func() { s.run(ctx) })
	return o, func() {
		cancel()
		server.Close()
		running.Wait()
	}
}

func (o *office) add(t *testing.T, lane queue.Lane, id string) {
	t.Helper()
	if err := o.queue.Add(t.Context(), lane, message{ID: id, Body: "{}"}.text()); err != nil {
		t.Fatal(err)
	}
}

func (o *office) seen() []time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.attempts)
}

func (o *office) answers(answer func(w http.ResponseWriter)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

func (o *office) dead(t *testing.T) []DeadLetter {
	t.Helper()
	letters, err := DeadLetters{o.queue}.List(t.Context(), "p", 10)
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

func (o *office) due(t *testing.T) int {
	t.Helper()
	entries, err := o.queue.List(t.Context(), dueOf("p"), 10)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func TestPausesGrowForADayAndThenAnOperatorDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, leave := openOffice(t, status(http.StatusInternalServerError))
		defer leave()
		time.Sleep(giveUp + longestPause + 2*time.Hour)
		attempts := o.seen()
		if n := len(attempts); n < 12 || n > 20 || attempts[0] > time.Second || attempts[n-1] < giveUp || attempts[n-1] > giveUp+longestPause+time.Minute {
			t.Fatalf("%d attempts: %v", n, attempts)
		}
		for i := 2; i < len(attempts); i++ {
			before, after := attempts[i-1]-attempts[i-2], attempts[i]-attempts[i-1]
			if after < min(before, longestPause)-time.Second || after > longestPause+time.Second {
				t.Errorf("a pause of %v follows one of %v", after, before)
			}
		}
		dead := o.dead(t)
		if len(dead) != 1 || dead[0].ID != o.letter || dead[0].Body != "{}" || dead[0].Failure != "the receiver answers 500" || o.due(t) != 0 {
			t.Fatalf("dead: %+v, due: %d", dead, o.due(t))
		}

		o.answers(status(http.StatusNoContent))
		if n, err := (DeadLetters{o.queue}).Resend(t.Context(), "p", "msg_of_another"); n != 0 || err != nil {
			t.Errorf("another: %d, %v", n, err)
		}
		if n, err := (DeadLetters{o.queue}).Resend(t.Context(), "p", o.letter); n != 1 || err != nil {
			t.Errorf("resend: %d, %v", n, err)
		}
		time.Sleep(time.Minute)
		if n := len(o.seen()) - len(attempts); n != 1 || o.due(t) != 0 || len(o.dead(t)) != 0 {
			t.Errorf("%d attempts; due: %d, dead: %d", n, o.due(t), len(o.dead(t)))
		}
	})
}

func TestAReceiverSaysWhenAndWhetherToComeAgain(t *testing.T) {
	retryIn := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	for name, test := range map[string]struct {
		answer      func(http.ResponseWriter)
		least, most time.Duration // until the second attempt; 0: none
		dead        int
	}{
		"soon":        {retryIn("1"), 5 * time.Second, 7 * time.Second, 0},
		"later":       {retryIn("100"), 100 * time.Second, 101 * time.Second, 0},
		"much later":  {retryIn(strconv.Itoa(1 << 30)), 6 * time.Hour, 6*time.Hour + time.Second, 0},
		"nonsense":    {retryIn("soon"), 5 * time.Second, 7 * time.Second, 0},
		"a redirect":  {func(w http.ResponseWriter) { w.Header().Set("Location", "/x"); w.WriteHeader(302) }, 5 * time.Second, 7 * time.Second, 0},
		"gone":        {status(http.StatusGone), 0, 0, 1},
		"200 is good": {status(http.StatusOK), 0, 0, 0},
		"299 is good": {status(299), 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, leave := openOffice(t, test.answer)
				defer leave()
				time.Sleep(time.Second)
				if n := len(o.dead(t)); n != test.dead {
					t.Errorf("%d dead letters", n)
				}
				o.answers(status(http.StatusOK))
				time.Sleep(longestPause + time.Hour)
				attempts := o.seen()
				switch {
				case test.most == 0 && len(attempts) != 1, test.most > 0 && len(attempts) != 2:
					t.Fatalf("attempts: %v", attempts)
				case test.most > 0 && (attempts[1]-attempts[0] < test.least || attempts[1]-attempts[0] > test.most):
					t.Errorf("the second attempt came after %v", attempts[1]-attempts[0])
				}
				if o.due(t) != 0 {
					t.Error("it is still due")
				}
			})
		})
	}
}

func TestAReceiverThatStallsIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, leave := openOffice(t, func(http.ResponseWriter) { time.Sleep(time.Hour) })
		defer leave()
		time.Sleep(attemptTime + time.Second)
		o.answers(status(http.StatusOK))
		time.Sleep(time.Minute)
		attempts := o.seen()
		if len(attempts) != 2 || attempts[1]-attempts[0] < attemptTime || o.due(t) != 0 {
			t.Errorf("attempts: %v", attempts)
		}
		time.Sleep(time.Hour) // the receiver's first handler ends
	})
}

// Messages of unscanned codes become dead letters while half of the room is free, and
// displace none of logins.
func TestDeadLettersOfUnscannedCodesDisplaceNoOthers(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		after  time.Duration
		before int // dead letters
		want   int
	}{
		"gone":               {status(http.StatusGone), 5 * time.Second, 0, 2},
		"for a day":          {status(http.StatusInternalServerError), giveUp + longestPause + 2*time.Hour, 0, 2},
		"gone, no room":      {status(http.StatusGone), 5 * time.Second, mostDead / 2, mostDead/2 + 1},
		"for a day, no room": {status(http.StatusInternalServerError), giveUp + longestPause + 2*time.Hour, mostDead / 2, mostDead/2 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, leave := openOffice(t, test.answer)
				defer leave()
				for n := range test.before {
					o.add(t, deadOf("p"), fmt.Sprint("before", n))
				}
				o.add(t, unscannedOf("p"), "msg_2")
				time.Sleep(test.after)
				left, err := o.queue.List(t.Context(), unscannedOf("p"), 10)
				dead, failed := DeadLetters{o.queue}.List(t.Context(), "p", 2*mostDead)
				if len(dead) != test.want || len(left) > 0 || errors.Join(err, failed) != nil {
					t.Errorf("%d dead, want %d; left: %+v, %v", len(dead), test.want, left, err)
				}
				if hasMine := slices.ContainsFunc(dead, func(l DeadLetter) bool { return l.ID == o.letter }); !hasMine {
					t.Error("the login's is not among them")
				}
			})
		})
	}
}

// A message of a login does not wait until a receiver that stalls has let those of
// unscanned codes go.
func TestMessagesOfLoginsWaitForNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, leave := openOffice(t, func(http.ResponseWriter) { time.Sleep(time.Hour) })
		for n := range 2 * atOnce {
			o.add(t, unscannedOf("p"), fmt.Sprint("unscanned", n))
		}
		time.Sleep(attemptTime / 2)
		if n := len(o.seen()); n != 1+unscannedAtOnce {
			t.Errorf("%d attempts, want one of a login and %d others", n, unscannedAtOnce)
		}
		o.add(t, dueOf("p"), "msg_2")
		time.Sleep(time.Second)
		if n := len(o.seen()); n != 2+unscannedAtOnce {
			t.Errorf("%d attempts, want one more", n)
		}
		leave()
		time.Sleep(time.Hour) // the receiver's handlers end
	})
}

func TestAMessageWithoutAReceiverWaits(t *testing.T) {
	s := newSender(New(Options{Pools: pool.NewBook(), Store: memstore.New(), Queue: queue.NewMemory()}), "p")
	if err := s.send(t.Context(), message{ID: "msg_1", Body: "{}"}); !errors.Is(err, errNoWebhook) {
		t.Error(err)
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
