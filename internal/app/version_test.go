package app

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsReadFromTheBuild(t *testing.T) {
	build := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision, date := debug.BuildSetting{Key: "vcs.revision", Value: "abc"}, debug.BuildSetting{Key: "vcs.time", Value: "2026-11-28T10:00:00Z"}
	for name, tt := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"no information":              {nil, "(devel)"},
		"no version":                  {build(""), "(devel)"},
		"go build at a tag":           {build("v1.2.3", revision, date), "v1.2.3 (commit abc, 2026-11-28T10:00:00Z)"},
		"go build with changes":       {build("v1.2.3+dirty", debug.BuildSetting{Key: "vcs.modified", Value: "true"}, revision), "v1.2.3+dirty (commit abc with changes)"},
		"go install of a tag":         {build("v1.2.3"), "v1.2.3"},
		"go install of a prerelease":  {build("v1.2.3-rc.1"), "v1.2.3-rc.1"},
		"go install of a commit":      {build("v0.0.0-20261128101112-0123456789ab"), "v0.0.0-20261128101112-0123456789ab (commit 0123456789ab, 2026-11-28T10:11:12Z)"},
		"go install of a later one":   {build("v1.2.4-0.20261128101112-0123456789ab"), "v1.2.4-0.20261128101112-0123456789ab (commit 0123456789ab, 2026-11-28T10:11:12Z)"},
		"go build of a later commit":  {build("v1.2.4-0.20261128101112-0123456789ab+dirty", revision), "v1.2.4-0.20261128101112-0123456789ab+dirty (commit abc, 2026-11-28T10:11:12Z)"},
		"a tag that is like a commit": {build("v1.2.3-99999999999999-0123456789ab"), "v1.2.3-99999999999999-0123456789ab"},
	} {
		if got := versionOf(tt.info).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
