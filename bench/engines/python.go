package main

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed peers.py
var peersScript string

// startPython runs peers.py with the Python that peers.sh installed.
func (s settings) startPython(ctx context.Context, ready any, args ...string) (*child, error) {
	python := filepath.Join(s.peers, "venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		return nil, errMissing(args[0] + ": " + python + " does not exist; run peers.sh")
	}
	return startChild(ctx, ready, nil, python, append([]string{"-c", peersScript}, args...)...)
}
