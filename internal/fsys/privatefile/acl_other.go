//go:build unix && !linux

package privatefile

// hasAccessList returns false: access lists are read on Linux only.
func hasAccessList(string) bool { return false }
