package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// handshake returns a WebSocket handshake with additional header lines.
func handshake(pool string, lines ...string) string {
	return "GET " + api + "ws?userPoolId=" + pool + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: scanlogin.v1\r\n" +
		strings.Join(append(lines, "\r\n"), "\r\n")
}

// rawConns is a set of raw connections that send one text and then stay open.
type rawConns struct {
	mu       sync.Mutex
	conns    []net.Conn
	answered sync.WaitGroup
	refused  atomic.Int64 // answered with 400
	upgraded atomic.Int64 // answered with 101
	closed   atomic.Int64 // closed by the node
}

// open opens a connection from an address, sends text, and keeps reading.
func (f *rawConns) open(ctx context.Context, n *node, from, text string) error {
	conn, err := dialer(from).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", n.port))
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.conns = append(f.conns, conn)
	f.mu.Unlock()
	_, _ = io.WriteString(conn, text) // the node may have closed it
	f.answered.Go(func() {
		r := bufio.NewReaderSize(conn, 256)
		line, _ := r.ReadString('\n')
		switch {
		case strings.Contains(line, " 400 "):
			f.refused.Add(1)
		case strings.Contains(line, " 101 "):
			f.upgraded.Add(1)
		}
		_, err := io.Copy(io.Discard, r)
		if err == nil || errors.Is(err, syscall.ECONNRESET) {
			f.closed.Add(1)
		}
	})
	return nil
}

func (f *rawConns) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns)
}

func (f *rawConns) close() {
	f.mu.Lock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.answered.Wait()
}

// handshakeBodies sends handshakes that announce a body and do not send it: 64 at once,
// then 20 a second.
func handshakeBodies(ctx context.Context, env *environment) error {
	var f rawConns
	defer f.close()
	lines := []string{"Content-Length: 5", "Transfer-Encoding: chunked"}
	for i := 0; ctx.Err() == nil; i++ {
		if err := f.open(ctx, env.nodes[0], attackerAddress, handshake("attacked", lines[i%2])); err != nil && ctx.Err() == nil {
			return err
		}
		if i >= 64 {
			pause(ctx, 50*time.Millisecond)
		}
	}
	env.record("handshakes with a body", float64(f.len()))
	env.record("answered 400", float64(f.refused.Load()))
	return nil
}

// shutdown terminates a node with 600 connections that delay it: handshakes and
// calls without their body, incomplete headers, and sockets that ignore the close frame.
func shutdown(ctx context.Context, env *environment) error {
	texts := []string{
		handshake("attacked", "Content-Length: 5"), handshake("attacked"), halfHead,
		"POST " + api + "gene HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n",
	}
	var f rawConns
	defer f.close()
	for i := range 600 {
		if err := f.open(ctx, env.nodes[0], fmt.Sprintf("127.0.3.%d", 1+i%8), texts[i%len(texts)]); err != nil {
			return err
		}
	}
	began := time.Now()
	env.nodes[0].Signal(syscall.SIGTERM)
	err := env.nodes[0].Wait(100 * time.Second)
	env.record("seconds from SIGTERM to exit", time.Since(began).Seconds())
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return nil // the exit code says that requests were cut off
	}
	return err
}

// halfHead is a request whose header does not end.
const halfHead = "GET / HTTP/1.1\r\n"

// openMany opens count connections to a node from the given number of addresses. They
// alternate between sockets for a pool that does not exist, which ignore the close
// frame, and connections that send text.
func (f *rawConns) openMany(ctx context.Context, n *node, count, addresses int, text string) {
	texts := []string{handshake("unknown"), text}
	var openers sync.WaitGroup
	for k := range 8 {
		openers.Go(func() {
			for i := k; i < count && ctx.Err() == nil; i += 8 {
				_ = f.open(ctx, n, fmt.Sprintf("127.0.3.%d", 1+i%addresses), texts[i/8%2]) // the node may not accept it
			}
		})
	}
	openers.Wait()
}

// oneAddress opens more connections from one address than a node may have files.
func oneAddress(ctx context.Context, env *environment) error {
	var f rawConns
	defer f.close()
	f.openMany(ctx, env.nodes[0], 6_000, 1, "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	<-ctx.Done()
	env.record("connections still open", float64(f.len())-float64(f.closed.Load()))
	return nil
}

// allFiles does the same from eight addresses while the ops listener is called.
func allFiles(ctx context.Context, env *environment) error {
	var f rawConns
	defer f.close()
	var asking sync.WaitGroup
	asked, failed := 0, 0
	asking.Go(func() {
		for pause(ctx, 250*time.Millisecond) {
			asked++
			if err := env.nodes[0].askOps(context.WithoutCancel(ctx), "/livez"); err != nil {
				failed++
			}
		}
	})
	f.openMany(ctx, env.nodes[0], 6_000, 8, halfHead)
	notReady := 0.0
	for pause(ctx, 500*time.Millisecond) {
		if env.nodes[0].ready(ctx) != nil && ctx.Err() == nil {
			notReady = 1
		}
	}
	asking.Wait()
	env.record("connections still open", float64(f.len())-float64(f.closed.Load()))
	env.record("ops calls", float64(asked))
	env.record("ops calls that failed", float64(failed))
	env.record("node reported not ready", notReady)
	f.close()
	return env.nodes[0].Await(context.WithoutCancel(ctx), env.nodes[0].ready)
}

// controlFrames floods four sockets with pings, pongs and empty continuations.
func controlFrames(ctx context.Context, env *environment) error {
	mask := "\x00\x00\x00\x00"
	floods := []string{"\x89\x80" + mask, "\x8a\x80" + mask, "\x89\x80" + mask + "\x8a\x80" + mask, "\x00\x80" + mask}
	began, before := time.Now(), cpuOf(env.nodes[0].PID())
	var all sync.WaitGroup
	var cut atomic.Int64
	for i, flood := range floods {
		all.Go(func() {
			conn, err := dialer(attackerAddress).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", env.nodes[0].port))
			if err != nil {
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			_, _ = io.WriteString(conn, handshake("attacked"))
			go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with conn
			if i == 3 {
				_, _ = io.WriteString(conn, "\x01\x80"+mask) // a message that never ends
			}
			piece := strings.Repeat(flood, 500)
			for ctx.Err() == nil {
				if _, err := io.WriteString(conn, piece); err != nil {
					cut.Add(1)
					return
				}
			}
		})
	}
	all.Wait()
	<-ctx.Done()
	env.record("floods cut off, of 4", float64(cut.Load()))
	env.record("CPU cores used by the node", (cpuOf(env.nodes[0].PID())-before)/time.Since(began).Seconds())
	return nil
}

// pause waits and reports whether ctx is still active.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
