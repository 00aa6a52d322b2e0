// Package memory gives memory outside Go's heap, for what is large and lives
// long: the collector lets a heap grow to a multiple of what is in use, and
// would count it in.
package memory

import (
	"unsafe"

	"github.com/firesteel/firesteel/internal/memlimit"
)

// Allocate gives that many bytes, all zero and aligned to a page, which free
// releases. The system has them only once they are touched.
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

// Floats is part of data as numbers of 32 bits.
func Floats(data []byte) []float32 {
	if len(data) < 4 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), len(data)/4)
}
