// Package push sends pages the states of their codes: over a WebSocket, as server-sent
// events, or as the response to a check that waits.
//
// It guarantees that a page receives only states that were stored, each newer than the one
// before, or must connect again; that only pages with the right to ticket and user receive
// them (see [login.Rights]); and that an idle WebSocket holds no goroutine and no
// timer. What a page may do is decided in package login; connections and frames are in
// package wsconn.
package push

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/fairqueue"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/loglimit"
	"github.com/scanlogin/scanlogin/session"
)

// Options are the dependencies of a Server. All but Pushed and Refused are required.
type Options struct {
	Login *login.Service
	Hub   *hub.Hub // its Run belongs to the caller, and must last until Close

	PictureURL func(session.ID) string // address of a code's picture
	ErrorName  func(error) string      // name of an error in events
	Describe   func(Lang, error) (code int, message string)

	// Pushed is called when a page that waits has been sent a step, with the time since the
	// step. It must not block. nil: not called.
	Pushed func(pool string, delay time.Duration)

	// Refused is called for a handshake that names an unknown pool, which is refused by a close
	// frame and not by an error. nil: not called.
	Refused func(r *http.Request, err error)

	Log *slog.Logger
}

// Lang is the language of a page, as Options.Describe understands it.
type Lang int8

// Server serves the pages of a node. Make it with New.
type Server struct {
	login      *login.Service
	hub        *hub.Hub
	pictureURL func(session.ID) string
	errorName  func(error) string
	describe   func(Lang, error) (code int, message string)
	pushed     func(pool string, delay time.Duration)
	refused    func(r *http.Request, err error)
	log        *slog.Logger
	limitedLog *loglimit.Logger // of what each page can cause; keyed by kind of error

	sockets   *sockets
	admission *fairqueue.Slots // of handshakes
	stopping  chan struct{}    // closed by Stop
	stopOnce  sync.Once
}

// logInterval is how often one kind of message is logged that each page can cause.
const logInterval = 10 * time.Second

// New creates a Server. It starts nothing; Run does.
func New(o Options) *Server {
	s := &Server{
		login: o.Login, hub: o.Hub, pictureURL: o.PictureURL, errorName: o.ErrorName, describe: o.Describe, pushed: o.Pushed, refused: o.Refused,
		log: o.Log, limitedLog: loglimit.New(o.Log, logInterval),
		sockets: newSockets(), admission: fairqueue.NewSlots(MaxHandshakes, 0, 0), stopping: make(chan struct{}),
	}
	if s.pushed == nil {
		s.pushed = func(string, time.Duration) {}
	}
	if s.refused == nil {
		s.refused = func(*http.Request, error) {}
	}
	return s
}

// Run pings the sockets until ctx ends.
func (s *Server) Run(ctx context.Context) { s.sockets.group.Heartbeat(ctx) }

// Sockets returns how many WebSocket connections are open.
func (s *Server) Sockets() int { return s.sockets.group.Len() }

// Handshakes returns how many more handshakes may begin, and how many wait.
func (s *Server) Handshakes() (free, waiting int) { return s.admission.Usage() }

// Stop ends what waits for something that may never come: event streams, checks, and
// handshakes in the queue. Later ones end at once. Sockets stay open; see Shutdown.
func (s *Server) Stop() {
	s.stopOnce.Do(func() {
		close(s.stopping)
		s.admission.Close(errShutdown)
	})
}

// Shutdown tells the pages of all sockets to connect to another node (1012), and accepts no
// more sockets. It returns when all have ended, or ctx ends.
func (s *Server) Shutdown(ctx context.Context) {
	s.sockets.beginShutdown()
	select {
	case <-s.sockets.ended():
	case <-ctx.Done():
	}
}

// Close closes the sockets that Shutdown left open. It reports whether all have ended; it
// waits for that for half a second.
func (s *Server) Close() bool { return s.sockets.abort() }
