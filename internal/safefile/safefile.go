// Package safefile reads files and streams that may be anything. It never blocks on a
// device or a pipe, never reads more than the caller's limit, and repeats no content in
// its errors.
package safefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

var errNotRegular = errors.New("is not a regular file")

// Read returns the content of a regular file of at most limit bytes. The error does not
// contain the path.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.Open(path) // #nosec G304 -- the caller's configuration or command line names the file
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	data, err := ReadAll(f, limit)
	return data, withoutPath(err)
}

// ReadAll reads r to its end. It fails if that is more than limit bytes.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d bytes", limit)
	}
	return data, nil
}

func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
