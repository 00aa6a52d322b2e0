package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/procfs"
)

// clocks are the CPU times of the machine and of the contestants. The load of other processes
// matters, because engines whose threads wait by spinning lose much more than that share.
type clocks struct {
	at   time.Time
	busy float64 // seconds of all cores so far
	own  float64 // seconds of the contestants so far
}

// otherLoad describes the share of CPU time that other processes have used since c.
func (c clocks) otherLoad(all []*contestant) string {
	now, err := readClocks(all)
	if err != nil {
		return fmt.Sprintf("the load of other processes is unknown: %v", err)
	}
	cores := float64(runtime.NumCPU()) * now.at.Sub(c.at).Seconds()
	share := max(0, (now.busy-c.busy-(now.own-c.own))/cores)
	text := fmt.Sprintf("other processes used %.0f %% of the CPU time", 100*share)
	if share > .05 {
		text += " (repeat the measurement on a quiet machine)"
	}
	return text
}

// readClocks reads the current times.
func readClocks(all []*contestant) (clocks, error) {
	m := clocks{at: time.Now()}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	// The fields are cpu user nice system idle iowait irq softirq steal. Add all except
	// idle and iowait.
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return m, err
		}
		m.busy += n * procfs.Tick.Seconds()
	}
	pids := []int{os.Getpid()}
	for _, c := range all {
		pids = append(pids, c.pid)
	}
	for _, pid := range pids {
		p, err := procfs.Read(pid)
		if err != nil {
			return m, err
		}
		m.own += p.Used.Seconds()
	}
	return m, nil
}
