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

// machine tells how much of the cores' time others took: peers whose threads
// wait for each other by spinning lose far more than that share.
type machine struct {
	begin time.Time
	busy  float64 // seconds of all cores so far
	own   float64 // seconds of the contestants so far
}

// others is that share since m, and what follows from it.
func (m machine) others(all []*contestant) string {
	now, err := look(all)
	if err != nil {
		return fmt.Sprintf("what other processes did is not known: %v", err)
	}
	cores := float64(runtime.NumCPU()) * now.begin.Sub(m.begin).Seconds()
	share := max(0, (now.busy-m.busy-(now.own-m.own))/cores)
	text := fmt.Sprintf("other processes took %.0f %% of the cores' time", 100*share)
	if share > .05 {
		text += " (measure again when the machine is quiet)"
	}
	return text
}

// look reads the clocks.
func look(all []*contestant) (machine, error) {
	m := machine{begin: time.Now()}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	// cpu user nice system idle iowait irq softirq steal: all but the idle ones.
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
