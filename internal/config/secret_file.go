package config

import (
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// secretSource is the file that a value of type Secret comes from.
type secretSource struct {
	path    string // of the setting
	file    string
	inline  bool // the file is the configuration itself
	private bool // the value must not be read by others
}

// addSource records where the value at path comes from. A private value on the command
// line is refused, because every user of the machine can read it there.
func (d *document) addSource(path string, reference, value Secret) {
	source := secretSource{path: path, private: isPrivate(string(value))}
	at := d.position(path)
	switch name, isFile := strings.CutPrefix(string(reference), "file:"); {
	case isFile:
		source.file = name
	case value == "" || strings.HasPrefix(string(reference), "env:"):
	case at.source == "--redis-url" && !strings.Contains(string(value), "://"):
		d.refuse(path, "must begin with redis://, rediss:// or unix://, such as redis://127.0.0.1:6379/0")
	case strings.HasPrefix(at.source, "--") && source.private:
		d.refuse(path, "must not be on the command line, which every user of this machine can read; write env:NAME or file:PATH")
	case at.line > 0:
		source.file, source.inline = at.source, true
	}
	if source.file != "" {
		d.sources = append(d.sources, source)
	}
}

// isPrivate reports whether a value of type Secret must be kept private: a public key or
// a Redis URL without a password need not.
func isPrivate(value string) bool {
	if block, _ := pem.Decode([]byte(value)); block != nil {
		return strings.HasSuffix(block.Type, "PRIVATE KEY") || block.Type == "EC PARAMETERS"
	}
	switch u, err := url.Parse(value); {
	case err != nil:
		return true
	case u.Scheme == "redis" || u.Scheme == "rediss" || u.Scheme == "unix":
		_, has := u.User.Password()
		return has || u.Query().Has("password")
	}
	return true
}

// fileWarnings returns a warning for each file with secrets that other users can read or
// change.
func (d *document) fileWarnings() []Problem {
	var warnings []Problem
	seen, us := make(map[string]bool), thisProcess()
	for _, source := range d.sources {
		if seen[source.file] || source.inline && !source.private {
			continue
		}
		info, err := os.Stat(source.file)
		if err != nil {
			continue // it was removed after it was read
		}
		owner, group, ok := ownerOf(info)
		if !ok {
			continue // this system has no such owners
		}
		f := secretFile{mode: info.Mode().Perm(), owner: owner, group: group, private: source.private, mounted: isMounted(source.file)}
		weakness := f.weakness(us)
		if weakness == "" {
			continue
		}
		seen[source.file] = true
		text := fmt.Sprintf("file %s %s", quoteName(source.file), weakness)
		if source.inline {
			text = fmt.Sprintf("is in this file, which %s, or write env:NAME or file:PATH", weakness)
		}
		warnings = append(warnings, Problem{source.path, text, d.position(source.path)})
	}
	return warnings
}

// secretFile is what decides which other users can read or change a file.
type secretFile struct {
	mode         fs.FileMode
	owner, group int
	private      bool // others must not read it
	mounted      bool // an orchestrator put it there for this container only
}

// process is the identity of this process in the file system.
type process struct {
	user   int
	groups []int
}

func thisProcess() process {
	groups, _ := os.Getgroups() // without them, no file of a group counts as ours
	return process{os.Geteuid(), append(groups, os.Getegid())}
}

// weakness says which other users can read or change the file, and the cure; "" if only
// this process and root can. A file of root that is readable by a group of this process
// is accepted: services get secrets so, also by fsGroup of Kubernetes. A mounted file may
// be readable by all users of its container, because there are no others; its mode is
// 0644 by default.
func (f secretFile) weakness(us process) string {
	const others, group, read, write = 0o007, 0o070, 0o044, 0o022
	byGroup := f.owner == 0 && us.user != 0 && slices.Contains(us.groups, f.group)
	secret := f.private && !f.mounted
	switch {
	case f.mode&write != 0:
		return fmt.Sprintf("can be changed by other users (mode %04o); chmod 600 it", f.mode)
	case f.owner != 0 && f.owner != us.user && !f.mounted:
		return fmt.Sprintf("belongs to another user (id %d), who can change it; chown it to the user that runs scanlogin", f.owner)
	case secret && f.mode&read&others != 0:
		return fmt.Sprintf("can be read by every user of this machine (mode %04o); chmod 600 it", f.mode)
	case secret && f.mode&read&group != 0 && !byGroup:
		return fmt.Sprintf("can be read by its group (mode %04o); chmod 600 it", f.mode)
	}
	return ""
}

// isMounted reports whether Kubernetes or Docker mounted the file: Kubernetes links it
// through `..data`, to replace all files of a volume at once, Docker uses one directory.
func isMounted(path string) bool {
	target, err := os.Readlink(path)
	if err == nil && strings.HasPrefix(filepath.ToSlash(target), "..data/") {
		return true
	}
	dir := filepath.ToSlash(filepath.Dir(path))
	return dir == "/run/secrets" || dir == "/var/run/secrets"
}
