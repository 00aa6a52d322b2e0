//go:build !unix

package files

import "os"

// lock does nothing where files have no locks of this kind.
func lock(*os.File) error { return nil }

func syncFolder(string) error { return nil }
