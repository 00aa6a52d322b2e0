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

// defaults returns the path of the default settings of the Spark at o.Home, or ""
// for a Spark that this package installed.
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

// writeProperties writes a file of settings that only this user can read: the
// content of the file defaults, if it exists, and then conf, which overrides it.
func writeProperties(path, defaults string, conf map[string]string) error {
	var text strings.Builder
	if defaults != "" {
		have, err := os.ReadFile(defaults)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reading Spark's settings: %w", err)
		}
		// A backslash at the end would continue the last line.
		text.WriteString(strings.TrimRight(string(have), "\\ \t\r\n") + "\n")
	}
	for _, key := range slices.Sorted(maps.Keys(conf)) {
		text.WriteString(escape(key) + "=" + escape(conf[key]) + "\n")
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}

// escape escapes a key or value for java.util.Properties.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, " ", `\ `, "=", `\=`, ":", `\:`, "#", `\#`, "!", `\!`).Replace(s)
}
