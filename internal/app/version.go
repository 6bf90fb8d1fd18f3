package app

import "runtime/debug"

// Version returns version and commit of this program.
func Version() (version, commit string) {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionOf returns version and commit of a build; nil is one without module information.
func versionOf(info *debug.BuildInfo) (version, commit string) {
	version, commit = "(devel)", "unknown"
	if info == nil {
		return version, commit
	}
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			commit += " with changes"
		}
	}
	return version, commit
}
