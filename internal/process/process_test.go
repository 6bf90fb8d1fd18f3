package process

import (
	"bufio"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAwaitReportsTheOutputOfAProcessThatEnds(t *testing.T) {
	t.Parallel()
	p := New(t.TempDir(), "shell", "/bin/sh", "-c", "echo cannot start; exit 3")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	err := p.Await(t.Context(), func(context.Context) error { return errors.New("not ready") })
	if err == nil || !strings.Contains(err.Error(), "cannot start") {
		t.Errorf("error %v", err)
	}
	if code := p.ExitCode(); code != 3 {
		t.Errorf("exit code %d", code)
	}
}

func TestAKilledProcessCanBeStartedAgain(t *testing.T) {
	t.Parallel()
	p := New(t.TempDir(), "sleep", "/bin/sh", "-c", "exec sleep 60")
	for range 2 {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		p.Kill()
		select {
		case <-p.Exited():
		case <-time.After(waitTime):
			t.Fatal("the process did not end")
		}
	}
}

func TestReadReply(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{"+OK\r\n": "OK", ":7\r\n": "7", "$3\r\na\nb\r\n": "a\nb", "$-1\r\n": "", "-ERR no\r\n": ""} {
		got, err := readReply(bufio.NewReader(strings.NewReader(reply)))
		if got != want || (err != nil) != strings.HasPrefix(reply, "-") {
			t.Errorf("%q is read as %q, %v", reply, got, err)
		}
	}
}
