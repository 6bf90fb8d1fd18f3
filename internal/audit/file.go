package audit

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// mode is of a file that is made: users and addresses are nobody else's.
const mode = 0o600

// file is what lines are written to. It is for one goroutine.
type file struct {
	path string // "": out is somebody else's
	out  io.Writer
	torn bool // the last write ended within a line
}

var errNotRegular = errors.New("is no regular file")

func openFile(path string, stdout io.Writer) (*file, error) {
	if path == "-" {
		return &file{out: stdout}, nil
	}
	f := &file{path: path}
	return f, f.reopen()
}

// reopen opens the file that has the name now; after an error the one before
// goes on. Pipes are refused, since opening one waits for a reader.
func (f *file) reopen() error {
	if f.path == "" {
		return nil
	}
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "open", Path: f.path, Err: errNotRegular}
	}
	opened, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	f.close()
	f.out, f.torn = opened, false
	return nil
}

// write writes whole lines, by one call. A line that was broken off, as on a
// full disk, is ended first, so that it spoils no other.
func (f *file) write(lines []byte) error {
	if f.torn {
		lines = append([]byte("\n"), lines...)
	}
	n, err := f.out.Write(lines)
	if n > 0 {
		f.torn = lines[n-1] != '\n'
	}
	return err
}

func (f *file) close() {
	if opened, ok := f.out.(*os.File); ok && f.path != "" {
		_ = opened.Close() // each line was written, or its loss was told
	}
}
