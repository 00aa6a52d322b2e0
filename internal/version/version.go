// Package version says which firesteel this is.
package version

import (
	"runtime/debug"
	"strings"
)

// String is the module's version, or "devel" with the commit it was built from.
func String() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + strings.ToLower(s.Value[:12])
		}
	}
	return "devel"
}
