//go:build !amd64

package kernel

// available returns the instruction sets of this machine, the best one last.
func available() []Set { return []Set{generic} }
