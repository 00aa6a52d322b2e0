//go:build !unix

package worker

// openFiles is not known here, where no executor runs.
func openFiles() uint64 { return 1024 }
