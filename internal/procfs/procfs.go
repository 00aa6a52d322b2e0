// Package procfs reads what Linux tells of its processes in /proc; elsewhere
// there is nothing to read.
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

// Tick is the unit of proc(5)'s times: the USER_HZ of all Linux systems that
// Spark runs on.
const Tick = 10 * time.Millisecond

// Process is what the system knows of one.
type Process struct {
	PID, Parent int
	// Zombie: it has ended, and its parent has not looked yet.
	Zombie bool
	// Used is the cores' time that its threads have taken, for it and for the
	// system in its name.
	Used time.Duration
	// Children is that of its children that have ended, and of theirs.
	Children time.Duration
}

// Read reads one process.
func Read(pid int) (Process, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, fmt.Errorf("what processes do is read from Linux's /proc: %w", err)
	}
	p, err := parse(string(stat))
	if err != nil {
		return Process{}, fmt.Errorf("/proc/%d/stat is %q: %w", pid, stat, err)
	}
	return p, nil
}

// All reads all processes of the machine, by their PID.
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
		if p, err := Read(pid); err == nil { // else it has ended meanwhile
			all[pid] = p
		}
	}
	return all, nil
}

// parse reads proc(5)'s stat: "PID (NAME) STATE PARENT ...".
func parse(stat string) (Process, error) {
	// The name may hold anything.
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) < 15 {
		return Process{}, errors.New("other fields were expected")
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
