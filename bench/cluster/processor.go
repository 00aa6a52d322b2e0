package main

import (
	"os"
	"time"

	"github.com/firesteel/firesteel/internal/procfs"
)

// ownCPUTime returns the CPU time that this process and its children have used.
func ownCPUTime() (time.Duration, error) {
	p, err := procfs.Read(os.Getpid())
	return p.Used + p.Children, err
}

// treeCPUTime returns the CPU time that a process and all its descendants have
// used.
func treeCPUTime(root int) (time.Duration, error) {
	all, err := procfs.All()
	total := time.Duration(0)
	for pid, p := range all {
		for at := pid; at > 1; at = all[at].Parent {
			if at == root {
				total += p.Used + p.Children
				break
			}
		}
	}
	return total, err
}
