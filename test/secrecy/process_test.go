package secrecy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/internal/process"
	"github.com/scanlogin/scanlogin/test/program"
)

// timeout is the limit of every wait. The longest is a node that reconnects to
// Redis.
const timeout = 30 * time.Second

// binary is the path of the scanlogin binary.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

// node is a running scanlogin.
type node struct{ *process.Process }

func launch(t *testing.T, env []string, args ...string) node {
	t.Helper()
	n := node{process.New(t.TempDir(), "scanlogin", binary, args...)}
	n.Env = process.CleanEnv(env...)
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Kill)
	return n
}

// end sends a signal and waits for the process to end.
func (n node) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	n.Signal(signal)
	select {
	case <-n.Exited():
	case <-time.After(timeout):
		t.Fatal("scanlogin did not end")
	}
}

// output returns everything that the process has printed so far.
func (n node) output(t *testing.T) []byte {
	t.Helper()
	text, err := n.Output()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// awaitLog waits for the count-th line that matches a pattern, and returns its
// last group.
func (n node) awaitLog(t *testing.T, pattern string, count int) string {
	t.Helper()
	var found [][][]byte
	asynctest.Eventually(t, "the log matches "+pattern, func() bool {
		found = regexp.MustCompile(pattern).FindAllSubmatch(n.output(t), count)
		return len(found) == count
	})
	return string(found[count-1][len(found[count-1])-1])
}

// arguments returns the command line that other users can see.
func (n node) arguments(t *testing.T) []byte {
	t.Helper()
	if runtime.GOOS == "linux" {
		return read(t, fmt.Sprintf("/proc/%d/cmdline", n.PID()))
	}
	out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(n.PID())).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// recording is a connection to Redis and everything received on it.
type recording struct {
	mu       sync.Mutex
	received []byte
	done     chan struct{}
	conn     net.Conn
}

// record sends a command with an endless reply to Redis, and waits until the
// reply begins.
func record(t *testing.T, address, command string) *recording {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		t.Fatal(err)
	}
	r := &recording{conn: conn, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		io.Copy(r, bufio.NewReader(conn)) // ends with the connection
	}()
	t.Cleanup(func() { r.end() })
	asynctest.Eventually(t, "the reply to "+command+" begins", func() bool { return len(r.text()) > 0 })
	return r
}

// Write implements io.Writer.
func (r *recording) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = append(r.received, p...)
	return len(p), nil
}

func (r *recording) text() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// end closes the connection and returns everything received.
func (r *recording) end() []byte {
	r.conn.Close()
	<-r.done
	return r.text()
}
