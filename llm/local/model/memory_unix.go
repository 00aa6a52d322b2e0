//go:build unix

package model

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// allocate gives memory outside Go's heap: the collector lets a heap grow to a
// multiple of what is in use, and weights would be counted in.
func allocate(floats int) ([]float32, func() error, error) {
	data, err := unix.Mmap(-1, 0, max(1, floats)*4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	adviseHugePages(data)
	return unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), floats), func() error { return unix.Munmap(data) }, nil
}
