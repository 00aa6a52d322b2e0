package version

import (
	"runtime/debug"
	"testing"
)

func TestFrom(t *testing.T) {
	vcs := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "7F15E02C1C15AABBCCDDEEFF00112233445566AA"},
		{Key: "vcs.time", Value: "2026-11-30T19:50:00Z"},
		{Key: "vcs.modified", Value: "true"},
	}
	const commit = "7f15e02c1c15aabbccddeeff00112233445566aa"
	for name, c := range map[string]struct {
		build                 *debug.BuildInfo
		version, commit, date string
		modified              bool
	}{
		"no build information": {nil, "devel", unknown, unknown, false},
		"-buildvcs=false":      {&debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, "devel", unknown, unknown, false},
		"a work tree":          {&debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}, Settings: vcs}, "devel-7f15e02c1c15", commit, "2026-11-30T19:50:00Z", true},
		"go install @version":  {&debug.BuildInfo{Main: debug.Module{Path: module, Version: "v0.1.0"}}, "v0.1.0", unknown, unknown, false},
		"a program that imports firesteel": {&debug.BuildInfo{Main: debug.Module{Path: "example.com/app", Version: "v9.0.0"}, Settings: vcs,
			Deps: []*debug.Module{{Path: module, Version: "v0.1.0"}}}, "v0.1.0", unknown, unknown, false},
		"a program that replaces firesteel": {&debug.BuildInfo{Main: debug.Module{Path: "example.com/app"},
			Deps: []*debug.Module{{Path: module, Version: "v0.1.0", Replace: &debug.Module{Path: "../firesteel"}}}}, "devel", unknown, unknown, false},
	} {
		got := from(c.build)
		if got.Version != c.version || got.Commit != c.commit || got.Date != c.date || got.Modified != c.modified {
			t.Errorf("%s: %+v, want %+v", name, got, c)
		}
		if got.Go == "" || got.OS == "" || got.Arch == "" {
			t.Errorf("%s: %+v lacks the compiler or the system", name, got)
		}
	}
}

func TestReleaseFlagsReplaceTheRecord(t *testing.T) {
	defer func(v, c, d string) { releaseVersion, releaseCommit, releaseDate = v, c, d }(releaseVersion, releaseCommit, releaseDate)
	releaseVersion, releaseCommit, releaseDate = "v0.1.0", "abc", "2026-11-30T00:00:00Z"
	if got := Get(); got.Version != "v0.1.0" || got.Commit != "abc" || got.Date != "2026-11-30T00:00:00Z" || got.Modified {
		t.Errorf("%+v", got)
	}
	if String() != "v0.1.0" {
		t.Error(String())
	}
}
