package main

import (
	"os"
	"time"

	"github.com/firesteel/firesteel/internal/procfs"
)

func ownTime() (time.Duration, error) {
	p, err := procfs.Read(os.Getpid())
	return p.Used + p.Children, err
}

// familyTime adds up what a process and all that it started, and they in turn,
// have used.
func familyTime(root int) (time.Duration, error) {
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
