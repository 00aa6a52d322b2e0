// Package cachedir returns the directories of firesteel's cache.
package cachedir

import (
	"fmt"
	"os"
	"path/filepath"
)

// Dir returns the cache directory: $FIRESTEEL_CACHE, or "firesteel" in
// os.UserCacheDir. It may not exist yet.
func Dir() (string, error) {
	if dir := os.Getenv("FIRESTEEL_CACHE"); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("FIRESTEEL_CACHE=%s: %w", dir, err)
		}
		return abs, nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w; set FIRESTEEL_CACHE to a writable folder", err)
	}
	return filepath.Join(base, "firesteel"), nil
}

// Downloads returns the directory of downloaded archives. A user without a
// network puts archives there by hand.
func Downloads() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "downloads"), nil
}
