package pypi

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/network/fetch"
)

// FromEnvironment returns the index that pip uses: PIP_INDEX_URL, index-url in
// pip's configuration files, or PyPI.
func FromEnvironment(client *fetch.Client) Index {
	if address := os.Getenv("PIP_INDEX_URL"); address != "" {
		return Index{address, client}
	}
	address := DefaultIndex
	for _, path := range configFiles() {
		if found := indexURL(path); found != "" {
			address = found
		}
	}
	return Index{address, client}
}

// configFiles returns the paths of pip's configuration files. Later files
// override earlier ones.
func configFiles() []string {
	if path := os.Getenv("PIP_CONFIG_FILE"); path == os.DevNull {
		return nil
	}
	files := []string{"/etc/pip.conf"}
	if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".pip", "pip.conf"))
	}
	if config, err := os.UserConfigDir(); err == nil {
		files = append(files, filepath.Join(config, "pip", "pip.conf"), filepath.Join(config, "pip", "pip.ini"))
	}
	if env := os.Getenv("VIRTUAL_ENV"); env != "" {
		files = append(files, filepath.Join(env, "pip.conf"))
	}
	if path := os.Getenv("PIP_CONFIG_FILE"); path != "" {
		files = append(files, path)
	}
	return files
}

// indexURL returns index-url in section [global] of an INI file.
func indexURL(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	section, found := "", ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if ok && section == "global" && strings.ReplaceAll(strings.TrimSpace(key), "_", "-") == "index-url" {
			found = strings.TrimSpace(value)
		}
	}
	return found
}
