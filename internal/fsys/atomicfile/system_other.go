//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
)

const noFollow = 0

// lock does nothing: this system has no flock.
func lock(*os.File) error { return nil }

func links(fs.FileInfo) uint64 { return 1 }

func syncFolder(string) error { return nil }
