package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

func TestFilesThatOtherUsersCanReadOrChangeAreReported(t *testing.T) {
	service := process{user: 1000, groups: []int{1000, 2000}}
	root := process{user: 0, groups: []int{0}}
	for name, tt := range map[string]struct {
		file secretFile
		us   process
		want string
	}{
		"ours alone":                    {secretFile{mode: 0o600, owner: 1000, group: 1000, private: true}, service, ""},
		"ours, group reads":             {secretFile{mode: 0o640, owner: 1000, group: 1000, private: true}, service, "read by its group (mode 0640)"},
		"ours, all users read":          {secretFile{mode: 0o644, owner: 1000, group: 1000, private: true}, service, "read by every user of this machine (mode 0644)"},
		"root's, read by our group":     {secretFile{mode: 0o640, owner: 0, group: 2000, private: true}, service, ""},
		"root's, written by our group":  {secretFile{mode: 0o660, owner: 0, group: 2000, private: true}, service, "changed by other users (mode 0660)"},
		"root's, read by another group": {secretFile{mode: 0o440, owner: 0, group: 3000, private: true}, service, "read by its group (mode 0440)"},
		"root's, we are root":           {secretFile{mode: 0o640, owner: 0, group: 0, private: true}, root, "read by its group"},
		"another user's":                {secretFile{mode: 0o600, owner: 1001, group: 1000, private: true}, root, "belongs to another user (id 1001)"},
		"mounted, all users read":       {secretFile{mode: 0o644, owner: 0, group: 0, private: true, mounted: true}, service, ""},
		"mounted from a host's user":    {secretFile{mode: 0o444, owner: 1001, group: 1001, private: true, mounted: true}, service, ""},
		"mounted, all users write":      {secretFile{mode: 0o666, owner: 0, group: 0, private: true, mounted: true}, service, "changed by other users (mode 0666)"},
		"public, all users read":        {secretFile{mode: 0o644, owner: 0, group: 0}, service, ""},
		"public, group writes":          {secretFile{mode: 0o664, owner: 1000, group: 1000}, service, "changed by other users"},
		"public, of another user":       {secretFile{mode: 0o644, owner: 1001, group: 1000}, service, "belongs to another user"},
		"others execute":                {secretFile{mode: 0o601, owner: 1000, group: 1000, private: true}, service, ""},
		"others read":                   {secretFile{mode: 0o604, owner: 1000, group: 1000, private: true}, service, "read by every user"},
		"mounted, only others write":    {secretFile{mode: 0o602, owner: 0, private: true, mounted: true}, service, "changed by other users"},
	} {
		got := tt.file.weakness(tt.us)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestKubernetesMountsCauseNoWarning has the links that a kubelet makes.
func TestKubernetesMountsCauseNoWarning(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "..2026_11_22")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	held := filepath.Join(real, "secret")
	if err := os.WriteFile(held, []byte(testSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "secret")
	for from, to := range map[string]string{filepath.Join(dir, "..data"): "..2026_11_22", link: "..data/secret"} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	for mode, warned := range map[fs.FileMode]bool{0o644: false, 0o646: true} {
		configtest.SetMode(t, held, mode)
		s := mustLoad(t, strings.Replace(good, testSecret, "file:"+link, 1))
		if (len(s.Warnings) > 0) != warned {
			t.Errorf("%04o: %v", mode, s.Warnings)
		}
	}
}
