package audit

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// mode is that of a new file, which contains personal data.
const mode = 0o600

// file is the destination of the lines. It is used by one goroutine.
type file struct {
	path string // "": out must not be closed
	out  io.Writer
	torn bool // the last write ended in the middle of a line
}

var errNotRegular = errors.New("is not a regular file")

func openFile(path string, stdout io.Writer) (*file, error) {
	if path == "-" {
		return &file{out: stdout}, nil
	}
	f := &file{path: path}
	return f, f.reopen()
}

// reopen opens the file that has the path now. After an error the old file stays in use. Pipes
// are refused, because opening one waits for a reader.
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

// write writes complete lines with one call. If the last write ended in the middle of a line
// (a full disk), it starts with a line break, so that the next line is valid.
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
		_ = opened.Close() // each line was written or counted as dropped
	}
}
