//go:build !linux

package memlimit

// limits are known on Linux only.
func limits() []Limit { return nil }
