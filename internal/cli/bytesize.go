package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// parseBytes parses a size in bytes, such as 2GB, 512MiB, 512M or 1000000.
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
		return 0, fmt.Errorf("%q is not a size; write 2GB or 512MB", s)
	}
	return int64(n * float64(unit)), nil
}
