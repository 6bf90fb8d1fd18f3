package topology

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/scanlogin/scanlogin/internal/process"
)

// child is a child process that ends with its test.
type child struct {
	*process.Process
	name string
}

// launch starts a program in an environment without scanlogin's variables,
// except those in env. At the end of the test the program gets SIGTERM and must
// end. Its output is logged if the test failed.
func launch(t *testing.T, name, path string, args, env []string) *child {
	t.Helper()
	c := &child{Process: process.New(t.TempDir(), name, path, args...), name: name}
	c.Env, c.OnParentExit = process.CleanEnv(env...), syscall.SIGTERM // nginx must end its workers
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Terminate()
		c.exitCode(t)
		c.Kill()
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, c.output(t))
		}
	})
	return c
}

// exitCode waits for the end of the process and returns its exit code.
func (c *child) exitCode(t *testing.T) int {
	t.Helper()
	_ = c.Wait(timeout) // the exit code says more than the error
	select {
	case <-c.Exited():
		return c.ExitCode()
	default:
		t.Errorf("%s did not end within %v", c.name, timeout)
		return -1
	}
}

// output returns what the process has printed so far.
func (c *child) output(t *testing.T) string {
	t.Helper()
	text, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// findProgram returns the path of a program. Daemons are often only in the PATH
// of root.
func findProgram(t *testing.T, name, install string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Fatalf("this test needs %s: %s", name, install)
	return ""
}
