// Package process runs other programs for the tools beside scanlogin. It
// promises that whatever is waited for has a deadline, and on Linux that no
// program outlives the tool that started it, however that ended.
package process

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// patience is how long a program may take to come up or to go: some 50 ms on an
// idle machine, but under tests and benchmarks none is.
const patience = 20 * time.Second

// Process is a program that can be ended, frozen and started again.
type Process struct {
	name string
	path string
	args []string
	log  string // file that its output is added to

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	err    error         // what it ended with; to be read when exited is closed
}

// New prepares a program; its output is added to <dir>/<name>.log.
func New(dir, name, path string, args ...string) *Process {
	return &Process{name: name, path: path, args: args, log: filepath.Join(dir, name+".log")}
}

// Start starts the program, which must not be running.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = diesWithUs()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() {
		p.err = cmd.Wait()
		close(exited)
	}()
	return nil
}

// Signal sends a signal; to a process that has ended it does nothing.
func (p *Process) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // fails only if it has ended
	}
}

// PID is the number of the process that was started last, 0 if none was.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Kill ends the process as a power cut does.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	_ = p.Wait(patience)
}

// Wait waits until the process has ended and returns what it ended with.
func (p *Process) Wait(atMost time.Duration) error {
	p.mu.Lock()
	exited := p.exited
	p.mu.Unlock()
	if exited == nil {
		return nil
	}
	select {
	case <-exited:
		return p.err
	case <-time.After(atMost):
		return fmt.Errorf("%s did not end within %v", p.name, atMost)
	}
}

// Await asks until the answer is nil; the error is the last answer, or that
// the process has ended.
func (p *Process) Await(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended: %v; see %s", p.name, p.err, p.log)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w; see %s", p.name, err, p.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// BusPort is how much higher a node of a Cluster listens for the others.
const BusPort = 10_000

// FreePort finds a port that is free now, with its bus port. Both are below
// those that the system gives to outgoing connections (32768 and up), one of
// which could otherwise sit on the port of a process that is started again.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := 10_000 + rand.N(12_000)
		if err = errors.Join(canListen(port), canListen(port+BusPort)); err == nil {
			return port, nil
		}
	}
	return 0, err
}

func canListen(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}
