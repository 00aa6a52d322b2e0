package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of proc(5)'s times: the USER_HZ of all Linux systems that
// Spark runs on.
const tick = 10 * time.Millisecond

func ownTime() (time.Duration, error) {
	p, err := readProcess(os.Getpid())
	return p.used, err
}

// process is what the system knows of one: used is its time and that of its
// children that have ended.
type process struct {
	parent int
	used   time.Duration
}

// familyTime adds up what a process and all that it started, and they in turn,
// have used.
func familyTime(root int) (time.Duration, error) {
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	all := map[int]process{}
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			return 0, err
		}
		if p, err := readProcess(pid); err == nil { // else it has ended meanwhile
			all[pid] = p
		}
	}
	total := time.Duration(0)
	for pid, p := range all {
		for at := pid; at > 1; at = all[at].parent {
			if at == root {
				total += p.used
				break
			}
		}
	}
	return total, nil
}

func readProcess(pid int) (process, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, fmt.Errorf("the processor's time is read from Linux's /proc: %w", err)
	}
	// The name in brackets may hold anything.
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return process{}, fmt.Errorf("/proc/%d/stat is %q", pid, text)
	}
	var numbers [15]int
	for i := 1; i < len(numbers); i++ {
		if numbers[i], err = strconv.Atoi(fields[i]); err != nil {
			return process{}, fmt.Errorf("/proc/%d/stat is %q", pid, text)
		}
	}
	// Fields 14 to 17: utime, stime, cutime, cstime.
	return process{numbers[1], time.Duration(numbers[11]+numbers[12]+numbers[13]+numbers[14]) * tick}, nil
}
