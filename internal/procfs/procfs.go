// Package procfs reads the processes of a Linux system from /proc. Other
// systems give errors.
package procfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Tick is the unit of times in proc(5): 1/USER_HZ on every Linux system that
// Spark supports.
const Tick = 10 * time.Millisecond

// Process describes a process.
type Process struct {
	PID, Parent int
	// Zombie is true if the process has ended and its parent has not waited for it.
	Zombie bool
	// Used is the processor time of its threads, user and system.
	Used time.Duration
	// Children is the processor time of its descendants that have ended.
	Children time.Duration
}

// Read returns the process with a PID.
func Read(pid int) (Process, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, fmt.Errorf("reading a process from /proc: %w", err)
	}
	p, err := parse(string(stat))
	if err != nil {
		return Process{}, fmt.Errorf("/proc/%d/stat is %q: %w", pid, stat, err)
	}
	return p, nil
}

// All returns all processes of the machine by their PIDs.
func All() (map[int]Process, error) {
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	all := map[int]Process{}
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			return nil, err
		}
		if p, err := Read(pid); err == nil { // otherwise it has ended since
			all[pid] = p
		}
	}
	return all, nil
}

// parse reads proc(5)'s stat: "PID (NAME) STATE PARENT ...".
func parse(stat string) (Process, error) {
	// The name may contain any character.
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) < 15 {
		return Process{}, errors.New("unexpected number of fields")
	}
	pid, _, _ := strings.Cut(stat, " ")
	var numbers [6]int
	// The first field after the name is proc(5)'s third.
	for i, field := range []string{pid, fields[4-3], fields[14-3], fields[15-3], fields[16-3], fields[17-3]} {
		var err error
		if numbers[i], err = strconv.Atoi(field); err != nil {
			return Process{}, err
		}
	}
	return Process{numbers[0], numbers[1], fields[0] == "Z",
		time.Duration(numbers[2]+numbers[3]) * Tick, time.Duration(numbers[4]+numbers[5]) * Tick}, nil
}
