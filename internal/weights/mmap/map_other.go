//go:build !unix

package mmap

import "os"

func mapFile(file *os.File, size int) ([]byte, func() error, error) { return readFile(file, size) }

func forget([]byte) {}
