package audit_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/session"
)

// TestAHangingDiskBlocksNothing uses a pipe that is not read.
func TestAHangingDiskBlocksNothing(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	r := run(t, audit.Options{File: "-", Stdout: out})
	refused := event(session.EventRefused)
	refused.Call = "scanned"
	const flood, steps, more = 20_000, 1000, 10_000
	done := make(chan struct{})
	go func() {
		for range flood {
			r.Observe(refused)
		}
		for range steps {
			r.Observe(event(session.EventConfirmed))
		}
		for range more { // the queue is full even for steps
			r.Observe(event(session.EventScanned))
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("Observe waits for the disk")
	}
	if log := r.log.String(); !strings.Contains(log, `msg="audit lines dropped" lines=1 `) || !strings.Contains(log, "lines=8192") {
		t.Errorf("log:\n%s", log)
	}
	_ = in.SetReadDeadline(time.Now().Add(patience))
	count, gap := countLines(t, in, flood+steps+more)
	if count["confirmed"] != steps || gap < flood/2 || count["scanned"] == more {
		t.Errorf("in the trail: %v and %d dropped lines, of %d steps", count, gap, steps)
	}
}

// countLines reads lines until their number and that of the dropped lines is all.
func countLines(t *testing.T, in io.Reader, all int) (count map[string]int, gap int) {
	t.Helper()
	count = make(map[string]int)
	for d, read := json.NewDecoder(in), 0; read+gap < all; {
		var line struct {
			Event string
			Count int
		}
		if err := d.Decode(&line); err != nil {
			t.Fatalf("after %v and %d dropped: %v", count, gap, err)
		}
		if line.Event == "dropped" {
			gap += line.Count
			continue
		}
		count[line.Event]++
		read++
	}
	return count, gap
}

func TestStoppingDoesNotWaitForAHangingDisk(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer in.Close() // makes the abandoned write fail
	r := run(t, audit.Options{File: "-", Stdout: out})
	for range 3000 {
		r.Observe(event(session.EventConfirmed))
	}
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > patience {
		t.Errorf("stopping took %v", took)
	}
	if !strings.Contains(r.log.String(), "audit lines lost") {
		t.Errorf("log:\n%s", r.log)
	}
}

// fullDisk fails once in the middle of a line.
type fullDisk struct {
	asynctest.Buffer
	room int
}

func (n *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= n.room {
		n.room -= len(p)
		return n.Buffer.Write(p)
	}
	written, _ := n.Buffer.Write(p[:n.room])
	n.room = 1 << 20 // the space was freed
	return written, syscall.ENOSPC
}

func TestAFullDiskAffectsNoOtherLine(t *testing.T) {
	disk := &fullDisk{room: 20}
	r := run(t, audit.Options{File: "-", Stdout: disk})
	r.Observe(event(session.EventScanned))
	asynctest.Eventually(t, "the loss is logged", func() bool { return strings.Contains(r.log.String(), "no space left") })
	r.Observe(event(session.EventConfirmed))
	r.stop()
	lines := strings.Split(disk.String(), "\n")
	if len(lines) != 4 || len(lines[0]) != 20 || !strings.Contains(lines[1], `"event":"dropped","count":1}`) || !json.Valid([]byte(lines[2])) {
		t.Errorf("the trail:\n%s", disk)
	}
}

func TestTheFileIsPrivateAndReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := run(t, audit.Options{File: path})
	has := func(path, kind string) bool {
		text, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(text), kind)
	}
	r.Observe(event(session.EventScanned))
	asynctest.Eventually(t, "the line is there", func() bool { return has(path, "scanned") })
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	r.Observe(event(session.EventConfirmed))
	asynctest.Eventually(t, "the line is in the old file", func() bool { return has(path+".1", "confirmed") })
	r.Reopen()
	asynctest.Eventually(t, "the file is there again", func() bool { _, err := os.Stat(path); return err == nil })
	r.Observe(event(session.EventExchanged))
	r.stop()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || !has(path, "exchanged") || has(path+".1", "exchanged") {
		t.Errorf("%v, %v", info, err)
	}
}

func TestOnlyRegularFilesAreAccepted(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, "/dev/null", filepath.Join(dir, "no", "folder")} {
		if _, err := audit.Open(audit.Options{File: path}); err == nil {
			t.Errorf("%s was accepted", path)
		}
	}
	if _, err := audit.Open(audit.Options{File: filepath.Join(dir, "no", "folder")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error: %v", err)
	}
}
