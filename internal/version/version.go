// Package version describes the build of firesteel that is running.
package version

import (
	"runtime"
	"runtime/debug"
	"strings"
)

const module = "github.com/firesteel/firesteel"

// unknown stands for what a build does not record, such as the commit of a
// build with -buildvcs=false.
const unknown = "unknown"

// Set by -ldflags "-X" in release builds, which are built without version
// control so that their bytes do not depend on the state of a work tree.
var releaseVersion, releaseCommit, releaseDate string

// Info describes a build.
type Info struct {
	Version  string `json:"version"`  // such as v0.1.0, or devel
	Commit   string `json:"commit"`   // full hash, or unknown
	Date     string `json:"date"`     // of the commit, RFC 3339, or unknown
	Modified bool   `json:"modified"` // the work tree had changes
	Go       string `json:"go"`       // version of the compiler
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// Get returns the description of this build.
func Get() Info {
	build, _ := debug.ReadBuildInfo()
	info := from(build)
	if releaseVersion != "" {
		info.Version, info.Commit, info.Date, info.Modified = releaseVersion, releaseCommit, releaseDate, false
	}
	return info
}

// from reads what the Go command recorded; build may be nil.
func from(build *debug.BuildInfo) Info {
	info := Info{Version: "devel", Commit: unknown, Date: unknown, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if build == nil {
		return info
	}
	// In a program that imports firesteel, the main module and its version
	// control are those of the program.
	if build.Main.Path != module {
		for _, dep := range build.Deps {
			if dep.Path == module && dep.Replace == nil {
				info.Version = dep.Version
			}
		}
		return info
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			info.Commit = strings.ToLower(s.Value)
		case "vcs.time":
			info.Date = s.Value
		case "vcs.modified":
			info.Modified = s.Value == "true"
		}
	}
	if v := build.Main.Version; v != "" && v != "(devel)" {
		info.Version = v
	} else if len(info.Commit) >= 12 {
		info.Version = "devel-" + info.Commit[:12]
	}
	return info
}

// String returns the version: that of the module, or "devel", followed by the
// commit if the build records it.
func String() string { return Get().Version }
