package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesThatOthersReachAreTold(t *testing.T) {
	service := process{user: 1000, groups: []int{1000, 2000}}
	root := process{user: 0, groups: []int{0}}
	for name, tt := range map[string]struct {
		file secretFile
		us   process
		want string
	}{
		"ours alone":                  {secretFile{mode: 0o600, owner: 1000, group: 1000, private: true}, service, ""},
		"ours, group reads":           {secretFile{mode: 0o640, owner: 1000, group: 1000, private: true}, service, "read by its group (mode 0640)"},
		"ours, all read":              {secretFile{mode: 0o644, owner: 1000, group: 1000, private: true}, service, "read by every user of this machine (mode 0644)"},
		"root's, handed by group":     {secretFile{mode: 0o640, owner: 0, group: 2000, private: true}, service, ""},
		"root's, handed for writing":  {secretFile{mode: 0o660, owner: 0, group: 2000, private: true}, service, "changed by other users (mode 0660)"},
		"root's, group of others":     {secretFile{mode: 0o440, owner: 0, group: 3000, private: true}, service, "read by its group (mode 0440)"},
		"root's, we are root":         {secretFile{mode: 0o640, owner: 0, group: 0, private: true}, root, "read by its group"},
		"another's":                   {secretFile{mode: 0o600, owner: 1001, group: 1000, private: true}, root, "belongs to another user (id 1001)"},
		"mounted, all read":           {secretFile{mode: 0o644, owner: 0, group: 0, private: true, mounted: true}, service, ""},
		"mounted from a host's user":  {secretFile{mode: 0o444, owner: 1001, group: 1001, private: true, mounted: true}, service, ""},
		"mounted, all write":          {secretFile{mode: 0o666, owner: 0, group: 0, private: true, mounted: true}, service, "changed by other users (mode 0666)"},
		"public, all read":            {secretFile{mode: 0o644, owner: 0, group: 0}, service, ""},
		"public, group writes":        {secretFile{mode: 0o664, owner: 1000, group: 1000}, service, "changed by other users"},
		"public, of another user":     {secretFile{mode: 0o644, owner: 1001, group: 1000}, service, "belongs to another user"},
		"nobody but others, execute":  {secretFile{mode: 0o601, owner: 1000, group: 1000, private: true}, service, ""},
		"others only, not our group":  {secretFile{mode: 0o604, owner: 1000, group: 1000, private: true}, service, "read by every user"},
		"mounted, others write alone": {secretFile{mode: 0o602, owner: 0, private: true, mounted: true}, service, "changed by other users"},
	} {
		got := tt.file.trouble(tt.us)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// withMode gives a file its mode whatever the umask is.
func withMode(t *testing.T, path string, mode fs.FileMode) string {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckConfigWarnsOfSecretsThatOthersRead(t *testing.T) {
	t.Setenv("TEST_SECRET", testSecret)
	secret := func(mode fs.FileMode) string { return "file:" + withMode(t, writeFile(t, "secret", testSecret), mode) }
	in := func(value string) string { return strings.Replace(good, testSecret, value, 1) }
	for name, tt := range map[string]struct {
		text string
		mode fs.FileMode
		want string
	}{
		"private file":            {in(secret(0o600)), 0o644, ""},
		"file that all read":      {in(secret(0o644)), 0o644, "can be read by every user of this machine (mode 0644); chmod 600 it"},
		"in the clear":            {good, 0o644, `pools[0].secret: stands in this file, which can be read by every user of this machine (mode 0644); chmod 600 it, or write env:NAME or file:PATH`},
		"in the clear, private":   {good, 0o600, ""},
		"variable":                {in("env:TEST_SECRET"), 0o644, ""},
		"Redis without password":  {in("env:TEST_SECRET") + "redis_url: redis://127.0.0.1/0\n", 0o644, ""},
		"Redis with password":     {in("env:TEST_SECRET") + "redis_url: redis://u:" + testSecret + "@127.0.0.1/0\n", 0o644, "redis_url: stands in this file"},
		"Redis' with a parameter": {in("env:TEST_SECRET") + "redis_url: redis://a:1/0?master_name=m&addr=b:1&password=" + testSecret + "\n", 0o644, "redis_url: stands in this file"},
	} {
		file := withMode(t, writeFile(t, "scanlogin.yaml", tt.text), tt.mode)
		code, _, errOut := runCommand(t, "check-config", "--config", file)
		if code != exitOK || !strings.Contains(errOut, tt.want) || (errOut == "") != (tt.want == "") || strings.Contains(errOut, testSecret) {
			t.Errorf("%s: code %d, %s", name, code, errOut)
		}
	}
}

// TestKubernetesMountsAreNotWarnedAbout has the links that a kubelet makes.
func TestKubernetesMountsAreNotWarnedAbout(t *testing.T) {
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
		withMode(t, held, mode)
		s := mustLoad(t, strings.Replace(good, testSecret, "file:"+link, 1))
		if (len(s.warnings) > 0) != warned {
			t.Errorf("%04o: %v", mode, s.warnings)
		}
	}
}

func TestNoSecretIsTakenFromTheCommandLine(t *testing.T) {
	file := writeFile(t, "scanlogin.yaml", good)
	key := signingPEM(t, "PRIVATE KEY")
	t.Setenv("TEST_KEY", key)
	for _, args := range [][]string{
		{"--redis-url", "redis://127.0.0.1/0"},
		{"--signing-key", "env:TEST_KEY"},
		{"--signing-keys", "file:" + writeFile(t, "key.pem", key)},
	} {
		if code, _, errOut := runCommand(t, append([]string{"check-config", "--config", file}, args...)...); code != exitOK {
			t.Errorf("%v: code %d, %s", args, code, errOut)
		}
	}
	for _, args := range [][]string{
		{"--redis-url", "redis://user:" + testSecret + "@127.0.0.1/0"},
		{"--redis-url", "redis://127.0.0.1/0?password=" + testSecret},
		{"--signing-keys", "env:TEST_KEY," + key},
		{"--signing-key=" + key},
		{"--redis-url", "redis://u:" + testSecret + "@127.0.0.1/0", "--token-ttl", "x"},
	} {
		code, out, errOut := runCommand(t, append([]string{"check-config", "--config", file}, args...)...)
		if code != exitUsage || !strings.Contains(errOut, "must not stand in the command line") || strings.Contains(out+errOut, testSecret) || strings.Contains(out+errOut, key[40:80]) {
			t.Errorf("%s: code %d, %s%s", args[0], code, out, errOut)
		}
	}
	// Neither do complaints about the command line repeat what is on it.
	for _, args := range [][]string{
		{"--signing-key", key}, // begins like a flag
		{testSecret},
		{"--listen", "127.0.0.1:0", key},
		{"--" + testSecret},
	} {
		code, out, errOut := runCommand(t, append([]string{"check-config", "--config", file}, args...)...)
		if code != exitUsage || strings.Contains(out+errOut, testSecret) || strings.Contains(out+errOut, key[40:80]) {
			t.Errorf("%s: code %d, %s%s", args[0], code, out, errOut)
		}
	}
}
