package app

import (
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// Version identifies a build. Unknown parts are empty.
type Version struct {
	Number string // tag of the commit, a pseudo-version, or "(devel)"
	Commit string // "… with changes" if the source was not that of the commit
	Date   string // of the commit, in UTC, as in RFC 3339
}

// BuildVersion returns the version of this program, as the Go toolchain recorded it: from
// git, or from the module version for `go install …@version`.
func BuildVersion() Version {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// pseudoVersion is the end of a version that `go install …@commit` gives a commit without a
// tag: its time and the first digits of its hash.
var pseudoVersion = regexp.MustCompile(`[-.](\d{14})-([0-9a-f]{12})(?:\+.*)?$`)

// versionOf returns the version of a build; nil is one without module information.
func versionOf(info *debug.BuildInfo) Version {
	v := Version{Number: "(devel)"}
	if info == nil {
		return v
	}
	if info.Main.Version != "" {
		v.Number = info.Main.Version
	}
	if found := pseudoVersion.FindStringSubmatch(v.Number); found != nil {
		if at, err := time.Parse("20060102150405", found[1]); err == nil {
			v.Commit, v.Date = found[2], at.Format(time.RFC3339)
		}
	}
	changed := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Date = s.Value
		case "vcs.modified":
			changed = s.Value == "true"
		}
	}
	if changed {
		v.Commit += " with changes"
	}
	return v
}

// String returns the number, followed by what is known of the commit.
func (v Version) String() string {
	var known []string
	if v.Commit != "" {
		known = append(known, "commit "+v.Commit)
	}
	if v.Date != "" {
		known = append(known, v.Date)
	}
	if len(known) == 0 {
		return v.Number
	}
	return v.Number + " (" + strings.Join(known, ", ") + ")"
}
