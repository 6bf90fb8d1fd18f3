package main

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

// kept is a value of a secret's type, and where it stands.
type kept struct {
	path    string // in the configuration
	file    string // that it stands in; empty: an environment variable or a flag
	inline  bool   // that file is the configuration itself
	private bool   // who reads it gains something
}

// keep notes where the value at path was found. A private one on the command
// line is refused: every user of the machine can read it there.
func (d *document) keep(path string, named, value secretText) {
	k := kept{path: path, private: isPrivate(string(value))}
	at := d.place(path)
	switch name, isFile := strings.CutPrefix(string(named), "file:"); {
	case isFile:
		k.file = name
	case value == "" || strings.HasPrefix(string(named), "env:"):
	case strings.HasPrefix(at.source, "--") && k.private:
		d.refuse(path, "must not stand in the command line, which every user of this machine can read; write env:NAME or file:PATH")
	case at.line > 0:
		k.file, k.inline = at.source, true
	}
	if k.file != "" {
		d.kept = append(d.kept, k)
	}
}

// isPrivate reports whether a value of a secret's type is one: a public key is
// not, nor is an address of Redis without a password.
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

// fileWarnings says which files with secrets are not as private as what is in
// them, each file once.
func (d *document) fileWarnings() []problem {
	var found []problem
	seen, us := make(map[string]bool), thisProcess()
	for _, k := range d.kept {
		if seen[k.file] || k.inline && !k.private {
			continue
		}
		info, err := os.Stat(k.file)
		if err != nil {
			continue // it was there when it was read
		}
		owner, group, ok := ownerOf(info)
		if !ok {
			continue // a system without such owners
		}
		f := secretFile{mode: info.Mode().Perm(), owner: owner, group: group, private: k.private, mounted: isMounted(k.file)}
		trouble := f.trouble(us)
		if trouble == "" {
			continue
		}
		seen[k.file] = true
		text := fmt.Sprintf("file %s %s", quoteName(k.file), trouble)
		if k.inline {
			text = fmt.Sprintf("stands in this file, which %s, or write env:NAME or file:PATH", trouble)
		}
		found = append(found, problem{d.place(k.path), k.path, text})
	}
	return found
}

// secretFile is what decides who else can read or change a file.
type secretFile struct {
	mode         fs.FileMode
	owner, group int
	private      bool // what is in it must not be read by others
	mounted      bool // an orchestrator put it there for this container alone
}

// process is who we are to the file system.
type process struct {
	user   int
	groups []int
}

func thisProcess() process {
	groups, _ := os.Getgroups() // without them only what our user may read is private
	return process{os.Geteuid(), append(groups, os.Getegid())}
}

// trouble says what is wrong and the cure, "" if only we and root can read and
// change the file. A file of root that its group reads, which is one of ours, is
// how a service is handed one (and what Kubernetes' fsGroup does). What an
// orchestrator mounted may be read by all users there, because there are none
// but us; it is 0644 by default.
func (f secretFile) trouble(us process) string {
	const others, group, read, write = 0o007, 0o070, 0o044, 0o022
	handed := f.owner == 0 && us.user != 0 && slices.Contains(us.groups, f.group)
	secret := f.private && !f.mounted
	switch {
	case f.mode&write != 0:
		return fmt.Sprintf("can be changed by other users (mode %04o); chmod 600 it", f.mode)
	case f.owner != 0 && f.owner != us.user && !f.mounted:
		return fmt.Sprintf("belongs to another user (id %d), who can change it; chown it to the one that scanlogin runs as", f.owner)
	case secret && f.mode&read&others != 0:
		return fmt.Sprintf("can be read by every user of this machine (mode %04o); chmod 600 it", f.mode)
	case secret && f.mode&read&group != 0 && !handed:
		return fmt.Sprintf("can be read by its group (mode %04o); chmod 600 it", f.mode)
	}
	return ""
}

// isMounted reports whether Kubernetes or Docker put the file where it is: the
// one links it through `..data`, to exchange all files of a volume at once, the
// other has a place for them.
func isMounted(path string) bool {
	target, err := os.Readlink(path)
	if err == nil && strings.HasPrefix(filepath.ToSlash(target), "..data/") {
		return true
	}
	dir := filepath.ToSlash(filepath.Dir(path))
	return dir == "/run/secrets" || dir == "/var/run/secrets"
}
