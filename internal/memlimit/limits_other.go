//go:build !linux

package memlimit

// limits returns nil: limits are read on Linux only.
func limits() []Limit { return nil }
