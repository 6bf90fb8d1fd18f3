package secrecy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/test/program"
)

// patience is how long anything may take; the longest is a node that finds its
// Redis again.
const patience = 30 * time.Second

// binary is the program.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

// process is a running scanlogin, and the file with all that it prints.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{} // closed when it has ended
}

func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), log: filepath.Join(t.TempDir(), "log"), exited: make(chan struct{})}
	p.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SCANLOGIN_") })
	p.cmd.Env = append(p.cmd.Env, env...)
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() { p.end(t, os.Kill) })
	return p
}

// end sends a signal and waits for the process to end.
func (p *process) end(t *testing.T, signal os.Signal) {
	t.Helper()
	p.cmd.Process.Signal(signal) // fails only if it has ended
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("scanlogin did not end")
	}
}

// text is what the process has printed up to now.
func (p *process) text(t *testing.T) []byte { t.Helper(); return read(t, p.log) }

// says waits for the n-th line with a pattern, and returns its first group.
func (p *process) says(t *testing.T, pattern string, n int) string {
	t.Helper()
	var found [][][]byte
	eventually(t, "the log has "+pattern, func() bool {
		found = regexp.MustCompile(pattern).FindAllSubmatch(p.text(t), n)
		return len(found) == n
	})
	return string(found[n-1][len(found[n-1])-1])
}

// arguments is what other users see of the process.
func (p *process) arguments(t *testing.T) []byte {
	t.Helper()
	if runtime.GOOS == "linux" {
		return read(t, fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid))
	}
	out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(p.cmd.Process.Pid)).Output()
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

func eventually(t *testing.T, what string, happens func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !happens(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// tap is a connection to Redis that listens, and what it has heard.
type tap struct {
	mu    sync.Mutex
	heard []byte
	done  chan struct{}
	conn  net.Conn
}

// listen sends a command to Redis whose answer does not end, and waits for its
// beginning.
func listen(t *testing.T, address, command string) *tap {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		t.Fatal(err)
	}
	a := &tap{conn: conn, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		io.Copy(a, bufio.NewReader(conn)) // ends with the connection
	}()
	t.Cleanup(func() { a.end() })
	eventually(t, command+" begins", func() bool { return len(a.text()) > 0 })
	return a
}

func (a *tap) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, p...)
	return len(p), nil
}

func (a *tap) text() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.heard)
}

// end closes the connection and returns all that was heard.
func (a *tap) end() []byte {
	a.conn.Close()
	<-a.done
	return a.text()
}
