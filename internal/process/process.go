// Package process runs child processes for tests, benchmarks and fault injection.
// It guarantees that every wait has a deadline and that, on Linux, no child
// outlives the process that started it, even if that one is killed.
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// waitTime is how long a process may take to become ready or to end. It takes
// about 50 ms on an idle machine; tests and benchmarks run on busy ones.
const waitTime = 30 * time.Second

// pollInterval is the time between two readiness checks.
const pollInterval = 10 * time.Millisecond

// Process is a child process that can be started, frozen, ended and started again.
type Process struct {
	// Env replaces the environment. nil inherits it.
	Env []string
	// OnParentExit is the signal that the child gets when this process dies
	// (Linux only). 0 is SIGKILL.
	OnParentExit syscall.Signal

	name    string
	path    string
	args    []string
	logFile string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	err    error         // the result of cmd; read it after exited is closed
}

// New describes a process without starting it. Its output is appended to
// <dir>/<name>.log.
func New(dir, name, path string, args ...string) *Process {
	return &Process{name: name, path: path, args: args, logFile: filepath.Join(dir, name+".log")}
}

// CleanEnv returns this process's environment without the variables that
// configure scanlogin, plus extra.
func CleanEnv(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SCANLOGIN_") })
	return append(env, extra...)
}

// Start starts the process, which must not be running.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own descriptor
	cmd := exec.Command(p.path, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.Env, out, out
	signal := p.OnParentExit
	if signal == 0 {
		signal = syscall.SIGKILL
	}
	cmd.SysProcAttr = whenParentDies(signal)
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

// Signal sends a signal. It does nothing if the process has ended.
func (p *Process) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // fails only if the process has ended
	}
}

// Terminate asks the process to end, with SIGTERM.
func (p *Process) Terminate() { p.Signal(syscall.SIGTERM) }

// PID returns the id of the process started last, 0 if none was.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Kill ends the process without giving it a chance to react, and waits for it.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	_ = p.Wait(waitTime)
}

// Exited returns a channel that is closed when the process started last has
// ended. It is nil if none was started.
func (p *Process) Exited() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// Wait waits until the process has ended and returns its result.
func (p *Process) Wait(limit time.Duration) error {
	exited := p.Exited()
	if exited == nil {
		return nil
	}
	select {
	case <-exited:
		return p.err
	case <-time.After(limit):
		return fmt.Errorf("%s did not end within %v", p.name, limit)
	}
}

// ExitCode returns the exit code of a process that has ended, -1 if a signal
// ended it.
func (p *Process) ExitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.ProcessState.ExitCode()
}

// Await calls check until it returns nil. It fails when the process ends or
// does not pass the check in time.
func (p *Process) Await(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	exited := p.Exited()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended: %v; its log ends with: %s", p.name, p.err, p.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; its log ends with: %s", p.name, err, p.logTail())
		case <-time.After(pollInterval):
		}
	}
}

// Output returns everything that the process has printed so far.
func (p *Process) Output() ([]byte, error) { return os.ReadFile(p.logFile) }

// logTail returns the end of the output, for error messages.
func (p *Process) logTail() string {
	text, err := p.Output()
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-500):])
}
