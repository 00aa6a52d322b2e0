//go:build !unix

package worker

// maxOpenFiles returns a typical limit. No executor runs on these systems.
func maxOpenFiles() uint64 { return 1024 }
