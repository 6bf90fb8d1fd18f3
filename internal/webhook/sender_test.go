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

// fixture is a running sender whose receiver is in the same process and responds through a
// pipe, so that synctest can advance the time by days.
type fixture struct {
	queue *queue.Memory
	first string // id of the first message
	began time.Time

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

// newFixture runs a sender with one message until stop. It must be called within synctest.
func newFixture(t *testing.T, answer func(w http.ResponseWriter)) (f *fixture, stop func()) {
	t.Helper()
	f = &fixture{queue: queue.NewMemory(), first: "msg_1", began: time.Now(), answer: answer}
	key, err := pool.ParseWebhookKey(pool.FormatWebhookKey([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	registry := pool.NewRegistry(&pool.Pool{ID: "p", Webhook: &pool.Webhook{URL: "http://receiver.example/hook", Keys: []pool.WebhookKey{key}}})
	s := newSender(New(Options{Pools: registry, Store: memstore.New(), Queue: f.queue}), "p")
	line := pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	line.close = sync.OnceFunc(func() { close(line.done) })
	s.poster.transport.DialContext = line.dial
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		f.attempts = append(f.attempts, time.Since(f.began))
		answer := f.answer
		f.mu.Unlock()
		answer(w)
	})}
	f.add(t, dueOf("p"), f.first)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { server.Serve(line) })
	running.Go(func() { s.run(ctx) })
	return f, func() {
		cancel()
		server.Close()
		running.Wait()
	}
}

func (f *fixture) add(t *testing.T, lane queue.Lane, id string) {
	t.Helper()
	if err := f.queue.Add(t.Context(), lane, message{ID: id, Body: "{}"}.text()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) seen() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.attempts)
}

func (f *fixture) answers(answer func(w http.ResponseWriter)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *fixture) dead(t *testing.T) []DeadLetter {
	t.Helper()
	letters, err := DeadLetters{f.queue}.List(t.Context(), "p", 10)
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

func (f *fixture) due(t *testing.T) int {
	t.Helper()
	entries, err := f.queue.List(t.Context(), dueOf("p"), 10)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func TestPausesGrowForADayAndThenTheMessageIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newFixture(t, status(http.StatusInternalServerError))
		defer stop()
		time.Sleep(giveUpAge + maxPause + 2*time.Hour)
		attempts := f.seen()
		if n := len(attempts); n < 12 || n > 20 || attempts[0] > time.Second || attempts[n-1] < giveUpAge || attempts[n-1] > giveUpAge+maxPause+time.Minute {
			t.Fatalf("%d attempts: %v", n, attempts)
		}
		for i := 2; i < len(attempts); i++ {
			before, after := attempts[i-1]-attempts[i-2], attempts[i]-attempts[i-1]
			if after < min(before, maxPause)-time.Second || after > maxPause+time.Second {
				t.Errorf("a pause of %v follows one of %v", after, before)
			}
		}
		dead := f.dead(t)
		if len(dead) != 1 || dead[0].ID != f.first || dead[0].Body != "{}" || dead[0].Failure != "the receiver returned status 500" || f.due(t) != 0 {
			t.Fatalf("dead: %+v, due: %d", dead, f.due(t))
		}

		f.answers(status(http.StatusNoContent))
		if n, err := (DeadLetters{f.queue}).Resend(t.Context(), "p", "msg_of_another"); n != 0 || err != nil {
			t.Errorf("another: %d, %v", n, err)
		}
		if n, err := (DeadLetters{f.queue}).Resend(t.Context(), "p", f.first); n != 1 || err != nil {
			t.Errorf("resend: %d, %v", n, err)
		}
		time.Sleep(time.Minute)
		if n := len(f.seen()) - len(attempts); n != 1 || f.due(t) != 0 || len(f.dead(t)) != 0 {
			t.Errorf("%d attempts; due: %d, dead: %d", n, f.due(t), len(f.dead(t)))
		}
	})
}

func TestReceiversControlRetries(t *testing.T) {
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
				f, stop := newFixture(t, test.answer)
				defer stop()
				time.Sleep(time.Second)
				if n := len(f.dead(t)); n != test.dead {
					t.Errorf("%d dead letters", n)
				}
				f.answers(status(http.StatusOK))
				time.Sleep(maxPause + time.Hour)
				attempts := f.seen()
				switch {
				case test.most == 0 && len(attempts) != 1, test.most > 0 && len(attempts) != 2:
					t.Fatalf("attempts: %v", attempts)
				case test.most > 0 && (attempts[1]-attempts[0] < test.least || attempts[1]-attempts[0] > test.most):
					t.Errorf("the second attempt came after %v", attempts[1]-attempts[0])
				}
				if f.due(t) != 0 {
					t.Error("the message is still due")
				}
			})
		})
	}
}

func TestAttemptsToASlowReceiverTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newFixture(t, func(http.ResponseWriter) { time.Sleep(time.Hour) })
		defer stop()
		time.Sleep(attemptTimeout + time.Second)
		f.answers(status(http.StatusOK))
		time.Sleep(time.Minute)
		attempts := f.seen()
		if len(attempts) != 2 || attempts[1]-attempts[0] < attemptTimeout || f.due(t) != 0 {
			t.Errorf("attempts: %v", attempts)
		}
		time.Sleep(time.Hour) // lets the first handler of the receiver end
	})
}

// Messages of unscanned codes become dead letters while half of the lane is free, and
// displace no others.
func TestDeadLettersOfUnscannedCodesDisplaceNoOthers(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		after  time.Duration
		before int // dead letters
		want   int
	}{
		"gone":               {status(http.StatusGone), 5 * time.Second, 0, 2},
		"for a day":          {status(http.StatusInternalServerError), giveUpAge + maxPause + 2*time.Hour, 0, 2},
		"gone, no room":      {status(http.StatusGone), 5 * time.Second, maxDead / 2, maxDead/2 + 1},
		"for a day, no room": {status(http.StatusInternalServerError), giveUpAge + maxPause + 2*time.Hour, maxDead / 2, maxDead/2 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, stop := newFixture(t, test.answer)
				defer stop()
				for n := range test.before {
					f.add(t, deadOf("p"), fmt.Sprint("before", n))
				}
				f.add(t, unscannedOf("p"), "msg_2")
				time.Sleep(test.after)
				left, err := f.queue.List(t.Context(), unscannedOf("p"), 10)
				dead, failed := DeadLetters{f.queue}.List(t.Context(), "p", 2*maxDead)
				if len(dead) != test.want || len(left) > 0 || errors.Join(err, failed) != nil {
					t.Errorf("%d dead, want %d; left: %+v, %v", len(dead), test.want, left, err)
				}
				if hasFirst := slices.ContainsFunc(dead, func(l DeadLetter) bool { return l.ID == f.first }); !hasFirst {
					t.Error("the dead letter of the login is missing")
				}
			})
		})
	}
}

// Messages of unscanned codes that a slow receiver keeps waiting do not delay one of a login.
func TestMessagesOfLoginsDoNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newFixture(t, func(http.ResponseWriter) { time.Sleep(time.Hour) })
		for n := range 2 * maxParallel {
			f.add(t, unscannedOf("p"), fmt.Sprint("unscanned", n))
		}
		time.Sleep(attemptTimeout / 2)
		if n := len(f.seen()); n != 1+maxParallelUnscanned {
			t.Errorf("%d attempts, want one for a login and %d others", n, maxParallelUnscanned)
		}
		f.add(t, dueOf("p"), "msg_2")
		time.Sleep(time.Second)
		if n := len(f.seen()); n != 2+maxParallelUnscanned {
			t.Errorf("%d attempts, want one more", n)
		}
		stop()
		time.Sleep(time.Hour) // lets the handlers of the receiver end
	})
}

func TestSendFailsWithoutAWebhook(t *testing.T) {
	s := newSender(New(Options{Pools: pool.NewRegistry(), Store: memstore.New(), Queue: queue.NewMemory()}), "p")
	if err := s.send(t.Context(), message{ID: "msg_1", Body: "{}"}); !errors.Is(err, errNoWebhook) {
		t.Error(err)
	}
}

func TestRetryAfterAcceptsBothForms(t *testing.T) {
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
