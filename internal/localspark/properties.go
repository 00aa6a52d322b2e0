package localspark

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// defaults is the path of the settings that a Spark of the user's own has, or
// "" for a Spark that was got.
func (o Options) defaults() string {
	if o.Home == "" {
		return ""
	}
	dir := os.Getenv("SPARK_CONF_DIR")
	if dir == "" {
		dir = filepath.Join(o.Home, "conf")
	}
	return filepath.Join(dir, "spark-defaults.conf")
}

// writeProperties writes a file of settings that only this user can read:
// those of the file defaults, if there is one, and then conf, which goes before
// them.
func writeProperties(path, defaults string, conf map[string]string) error {
	var text strings.Builder
	if defaults != "" {
		have, err := os.ReadFile(defaults)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("Spark's settings: %w", err)
		}
		// A backslash at the end would take the next line in.
		text.WriteString(strings.TrimRight(string(have), "\\ \t\r\n") + "\n")
	}
	for _, key := range slices.Sorted(maps.Keys(conf)) {
		text.WriteString(escape(key) + "=" + escape(conf[key]) + "\n")
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}

// escape writes a key or value as java.util.Properties reads it.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, " ", `\ `, "=", `\=`, ":", `\:`, "#", `\#`, "!", `\!`).Replace(s)
}
