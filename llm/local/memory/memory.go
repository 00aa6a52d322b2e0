// Package memory gives memory outside Go's heap, for what is large and lives
// long: the collector lets a heap grow to a multiple of what is in use, and
// would count it in.
package memory

import "unsafe"

// Allocate gives that many bytes, all zero and aligned to a page, which free
// releases. The system has them only once they are touched.
func Allocate(bytes int) (data []byte, free func() error, err error) {
	return allocate(max(1, bytes))
}

// Floats is part of data as numbers of 32 bits.
func Floats(data []byte) []float32 {
	if len(data) < 4 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), len(data)/4)
}
