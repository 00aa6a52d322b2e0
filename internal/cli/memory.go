package cli

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// memoryPeak returns the largest resident memory of this process, in bytes; 0 if
// the system does not report it.
func memoryPeak() int64 { return memoryOf("self", "VmHWM:") }

// memoryNow returns the resident memory of this process, in bytes; 0 if the
// system does not report it.
func memoryNow() int64 { return memoryOf("self", "VmRSS:") }

// memoryOf returns a field of a process's status in bytes.
func memoryOf(process, field string) int64 {
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte(field)); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(rest)), " kB"), 10, 64)
			return n * 1024
		}
	}
	return 0
}
