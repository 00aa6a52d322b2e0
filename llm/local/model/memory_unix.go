//go:build unix

package model

import "golang.org/x/sys/unix"

// allocate gives memory outside Go's heap: the collector lets a heap grow to a
// multiple of what is in use, and weights would be counted in.
func allocate(bytes int) ([]byte, func() error, error) {
	data, err := unix.Mmap(-1, 0, max(1, bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	adviseHugePages(data)
	return data, func() error { return unix.Munmap(data) }, nil
}
