package safefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/safefile"
)

func TestReadReturnsOnlyRegularFilesWithinTheLimit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := safefile.Read(path, 7); err != nil || string(data) != "content" {
		t.Errorf("%q, %v", data, err)
	}
	for name, tt := range map[string]struct {
		path  string
		limit int64
		want  string
	}{
		"too large": {path, 6, "is larger than 6 bytes"},
		"missing":   {filepath.Join(dir, "missing"), 7, "no such file"},
		"directory": {dir, 7, "is not a regular file"},
		"device":    {"/dev/zero", 7, "is not a regular file"},
	} {
		data, err := safefile.Read(tt.path, tt.limit)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.path) || len(data) > 0 {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

func TestReadAllStopsAtTheLimit(t *testing.T) {
	if data, err := safefile.ReadAll(strings.NewReader("content"), 7); err != nil || string(data) != "content" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := safefile.ReadAll(strings.NewReader("content"), 6); err == nil {
		t.Error("more than the limit was read")
	}
}
