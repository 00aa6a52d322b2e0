package cli

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// parseBytes reads a size such as 2GB, 512M or 1000000.
func parseBytes(s string) (int64, error) {
	text := strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B")
	unit := int64(1)
	for i, suffix := range []string{"K", "M", "G", "T"} {
		for _, binary := range []bool{true, false} {
			name, by := suffix, int64(1000)
			if binary {
				name, by = suffix+"I", 1024
			}
			if rest, ok := strings.CutSuffix(text, name); ok && unit == 1 {
				text = rest
				for range i + 1 {
					unit *= by
				}
			}
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(n >= 0) || n*float64(unit) > 1<<60 {
		return 0, fmt.Errorf("%q is no size; write 2GB or 512MB", s)
	}
	return int64(n * float64(unit)), nil
}

// memoryPeak is the most memory that this process ever took, and memoryNow
// what it takes; 0 where the system does not tell.
func memoryPeak() int64 { return memoryOf("self", "VmHWM:") }

func memoryNow() int64 { return memoryOf("self", "VmRSS:") }

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
