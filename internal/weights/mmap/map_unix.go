//go:build unix

package mmap

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func mapFile(file *os.File, size int) ([]byte, func() error, error) {
	data, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		// Some file systems do not support mapping.
		return readFile(file, size)
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

func forget(data []byte) {
	if len(data) == 0 {
		return
	}
	// Release whole pages only: the bytes before and after data may be in use.
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(&data[0]))
	first := (start + page - 1) / page * page
	last := (start + uintptr(len(data))) / page * page
	if first < last {
		_ = unix.Madvise(data[first-start:last-start], unix.MADV_DONTNEED)
	}
}
