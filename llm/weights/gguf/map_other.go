//go:build !unix

package gguf

import "os"

func mapFile(file *os.File, size int64) ([]byte, func() error, error) { return readFile(file, size) }
