package server_test

import (
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// TestSocketsComeAndGo has connections end in all ways at once, so that their file
// descriptors are soon another's.
func TestSocketsComeAndGo(t *testing.T) {
	n := alone(t, newPool(t, nil))
	t.Run("at once", func(t *testing.T) {
		for i := range 16 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for range 25 {
					comeAndGo(t, n)
				}
			})
		}
	})
	eventually(t, "no socket is left", func() bool { return n.srv.Sockets() == 0 && n.hub.Watches() == 0 && n.srv.Waiting() == 0 })
}

func comeAndGo(t *testing.T, n *node) {
	conn := dialTCP(t, n)
	defer conn.Close()
	page := opened(t, conn, nil)
	switch rand.IntN(5) {
	case 0: // a reset
		_ = conn.(*net.TCPConn).SetLinger(0)
	case 1: // our end, and then the server's
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, page)
	case 2: // half a frame
		_, _ = conn.Write(frame(pingFrame, []byte("half"))[:3])
	case 3: // the server ends it
		_, _ = conn.Write(append(frame(textFrame, []byte("garbage")), frame(0x88, []byte{0x03, 0xf0})...))
		_, _ = io.Copy(io.Discard, page)
	case 4:
		for range 3 {
			_, _ = conn.Write(frame(pingFrame, []byte("here")))
			awaitPong(t, page, "here")
		}
	}
}

// TestSocketsLiveWithoutThePoller has no epoll set take them.
func TestSocketsLiveWithoutThePoller(t *testing.T) {
	n := start(t, memNode(), nil, newPool(t, nil))
	first := opened(t, dialTCP(t, n), nil)
	waitsOutside(t, n, 1, "at first")
	n.srv.BreakPoller()
	pages := []net.Conn{first, opened(t, dialTCP(t, n), nil)}
	for _, page := range pages {
		for range 2 {
			_, _ = page.Write(frame(pingFrame, []byte("here")))
			awaitPong(t, page, "here")
		}
	}
	done := make(chan error, 1)
	go func() { done <- n.stop() }()
	for _, page := range pages {
		if code := closeCode(t, page); code != 1012 {
			t.Errorf("closed with %d", code)
		}
		_, _ = page.Write(frame(0x88, []byte{0x03, 0xf4}))
	}
	hasLeft(t, done)
}
