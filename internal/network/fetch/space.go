package fetch

import (
	"fmt"
	"syscall"
)

// CheckSpace returns an error if the file system of dir has less than need bytes
// free. It returns nil if the system does not report free space.
func CheckSpace(dir string, need int64) error {
	free, err := freeSpace(dir)
	if err != nil || free < 0 || free >= need {
		return nil
	}
	return fmt.Errorf("%s needs %s (%d bytes), but %s are free: %w", dir, Bytes(need), need, Bytes(free), syscall.ENOSPC)
}

// Bytes formats a number of bytes: "455.9 MB".
func Bytes(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n)/unit, 0
	for value >= unit && suffix < 3 {
		value /= unit
		suffix++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGT"[suffix])
}
