package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// A Spark server keeps the files that a session uploaded until the server ends:
// two copies of each archive in tmp/spark-*/, and the extracted files of
// an executor in tmp/spark-*/userFiles-*/SESSION. The tests open some hundred sessions
// of 170 MB each, so the files of ended sessions are removed. A folder
// artifacts/SESSION exists as long as a session is open (Spark 4), or always (3.5).
const (
	cleanEvery = 10 * time.Second
	// minAge is the age from which files are removed: Spark extracts an archive, and
	// creates the folders of a new session, in less.
	minAge = 2 * time.Minute
)

// clean removes the files of ended sessions from a server's folder until ctx is done.
func clean(ctx context.Context, folder string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(cleanEvery):
			removeEnded(folder, time.Now().Add(-minAge))
		}
	}
}

// removeEnded removes files that are older than a time.
func removeEnded(folder string, before time.Time) {
	for _, copied := range match(folder, "tmp", "spark-*", "*.tar.gz") {
		if older(copied, before) {
			os.Remove(copied)
		}
	}
	for _, files := range match(folder, "tmp", "spark-*", "userFiles-*", "*-*-*-*-*") {
		session := filepath.Base(files)
		open := append(match(folder, "tmp", "artifacts-*", session), match(folder, "work", "artifacts", "*", session)...)
		if len(open) == 0 && older(files, before) {
			os.RemoveAll(files)
		}
	}
}

func match(elements ...string) []string {
	found, _ := filepath.Glob(filepath.Join(elements...)) // the patterns are well-formed
	return found
}

func older(path string, than time.Time) bool {
	info, err := os.Stat(path)
	return err == nil && info.ModTime().Before(than)
}
