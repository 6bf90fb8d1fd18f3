package topology

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that ends with the test.
type process struct {
	cmd    *exec.Cmd
	log    string        // file with all it prints
	exited chan struct{} // closed when it has ended
}

// command is name with its arguments, in an environment without our variables
// but those in env.
func command(name string, args, env []string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SCANLOGIN_") })
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// launch starts cmd. Its end is SIGTERM, and SIGKILL if it does not listen.
func launch(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, log: filepath.Join(t.TempDir(), "log"), exited: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) // nginx opens it anew, as /dev/stdout
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = endsWithUs()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.terminate()
		select {
		case <-p.exited:
		case <-time.After(patience):
			t.Errorf("%s did not end", filepath.Base(cmd.Path))
			p.kill()
		}
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(cmd.Path), p.text(t))
		}
	})
	return p
}

// kill ends the process as a power cut does.
func (p *process) kill() {
	p.cmd.Process.Kill() // fails only if it has ended
	<-p.exited
}

// terminate asks the process to end.
func (p *process) terminate() { p.cmd.Process.Signal(syscall.SIGTERM) } // fails only if it has ended

// wait returns the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%s did not end", filepath.Base(p.cmd.Path))
		return -1
	}
}

// text is what the process has printed up to now.
func (p *process) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// find returns where a program is. Daemons are often in no PATH but root's.
func find(t *testing.T, name, cure string) string {
	t.Helper()
	for _, at := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if found, err := exec.LookPath(at); err == nil {
			return found
		}
	}
	t.Fatalf("this test needs %s: %s", name, cure)
	return ""
}
