// Package cachedir says where firesteel keeps what it downloads.
package cachedir

import (
	"fmt"
	"os"
	"path/filepath"
)

// Dir is the cache folder: $FIRESTEEL_CACHE, or "firesteel" in the user's
// cache folder. It need not exist yet.
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
		return "", fmt.Errorf("no cache folder: %w; set FIRESTEEL_CACHE to a folder that can be written", err)
	}
	return filepath.Join(base, "firesteel"), nil
}

// Downloads is where downloaded archives lie, and where a person without a
// network puts one by hand.
func Downloads() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "downloads"), nil
}
