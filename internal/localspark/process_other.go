//go:build !unix

package localspark

import (
	"errors"
	"time"

	"github.com/firesteel/firesteel/internal/network/fetch"
)

type process struct {
	pid     int
	done    chan struct{}
	waitErr error
}

func start(launch, string, *fetch.FileLock, string) (*process, error) {
	return nil, errors.New("starting a server is supported only on Linux and macOS; on Windows use WSL, or connect to a Spark on another machine")
}

func (p *process) stop(time.Duration) error { return nil }
