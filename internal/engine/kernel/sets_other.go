//go:build !amd64

package kernel

// available lists the instruction sets of this machine, the best last.
func available() []Set { return []Set{generic} }
