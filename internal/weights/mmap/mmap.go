// Package mmap maps files into memory. On systems without mapping it reads them.
package mmap

import (
	"fmt"
	"math"
	"os"
)

// File returns the first size bytes of a file. The caller must not write to them. It may close
// the file. release unmaps the bytes; it is nil if they are not mapped.
func File(file *os.File, size int64) (data []byte, release func() error, err error) {
	if size > math.MaxInt {
		return nil, nil, fmt.Errorf("%d bytes do not fit the address space", size)
	}
	if size == 0 {
		return nil, nil, nil // an empty file cannot be mapped
	}
	return mapFile(file, int(size))
}

// Forget releases the memory pages of data, which is a part of the bytes that File returned with
// a release function. The system reads the file again on the next access.
func Forget(data []byte) { forget(data) }

// readFile reads a file on systems or file systems that cannot map it.
func readFile(file *os.File, size int) ([]byte, func() error, error) {
	data := make([]byte, size)
	if _, err := file.ReadAt(data, 0); err != nil {
		return nil, nil, err
	}
	return data, nil, nil
}
