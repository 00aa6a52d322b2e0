// Package offheap allocates memory outside of the Go heap, for large and long-lived data. The
// garbage collector lets the heap grow in proportion to the memory in use, and would include them.
package offheap

import (
	"unsafe"

	"github.com/firesteel/firesteel/internal/memlimit"
)

// Allocate returns at least that many bytes, which are zero and aligned to a page, and a function
// that frees them. The system provides a page on its first use.
func Allocate(bytes int) (data []byte, free func() error, err error) {
	bytes = max(1, bytes)
	data, release, err := allocate(bytes)
	if err != nil {
		return nil, nil, err
	}
	memlimit.Reserve(int64(bytes))
	return data, func() error {
		memlimit.Reserve(int64(-bytes))
		return release()
	}, nil
}

// Floats returns data as 32-bit floating-point numbers.
func Floats(data []byte) []float32 {
	if len(data) < 4 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), len(data)/4)
}
