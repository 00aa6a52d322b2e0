package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The files of an open session, and new files, stay.
func TestRemoveEnded(t *testing.T) {
	folder := t.TempDir()
	const open, ended = "1a8f790c-ad43-40d4-9f17-0ad95d1b64a2", "0a09fa33-2085-4743-9eb6-11c3235f478f"
	const spark35 = "98864cfd-ad0c-45e8-9a67-a2e1ad838bc8"
	files := map[string]bool{ // whether a file stays
		"tmp/artifacts-1/" + open + "/archives/a.tar.gz":        true,
		"tmp/spark-1/a.tar.gz":                                  false,
		"tmp/spark-2/userFiles-1/" + open + "/a/bin/firesteel":  true,
		"tmp/spark-2/userFiles-1/" + ended + "/a/bin/firesteel": false,
		"work/artifacts/spark-1/" + spark35 + "/a.tar.gz":       true,
		"tmp/spark-2/userFiles-1/" + spark35 + "/a/model":       true,
		"tmp/spark-2/userFiles-1/other.jar":                     true,
		"tmp/spark-3/b.tar.gz":                                  true, // new
	}
	past := time.Now().Add(-time.Hour)
	for name := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Base(path) != "b.tar.gz" {
			err = os.Chtimes(path, past, past)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	removeEnded(folder, time.Now().Add(-time.Minute))
	for name, stays := range files {
		if _, err := os.Stat(filepath.Join(folder, name)); (err == nil) != stays {
			t.Errorf("%s: %v, want it to stay: %v", name, err, stays)
		}
	}
}
