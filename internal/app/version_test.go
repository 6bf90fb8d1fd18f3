package app

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsReadFromTheBuild(t *testing.T) {
	info := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}},
	}
	if version, commit := versionOf(info); version != "v1.2.3" || commit != "abc with changes" {
		t.Errorf("got %s, %s", version, commit)
	}
}
