// Package mmap gives a file's bytes without copying them, where the system
// can.
package mmap

import (
	"fmt"
	"math"
	"os"
)

// File gives the size bytes of a file, to be read only, and what releases
// them, which may be nil. The file itself can be closed meanwhile.
func File(file *os.File, size int64) (data []byte, release func() error, err error) {
	if size > math.MaxInt {
		return nil, nil, fmt.Errorf("%d bytes do not fit the address space", size)
	}
	if size == 0 {
		return nil, nil, nil // nothing cannot be mapped
	}
	return mapFile(file, int(size))
}

// Forget says that bytes of a File that came with a release have been read and
// are not needed soon: their memory is free, and the file is read again for
// those that are needed after all. Bytes without a release would be lost.
func Forget(data []byte) { forget(data) }

// readFile is for where files cannot be mapped.
func readFile(file *os.File, size int) ([]byte, func() error, error) {
	data := make([]byte, size)
	if _, err := file.ReadAt(data, 0); err != nil {
		return nil, nil, err
	}
	return data, nil, nil
}
