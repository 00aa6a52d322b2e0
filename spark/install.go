package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/secret"
)

// WithStreamFolder names the folder, an absolute path on each node, in which
// streaming queries find the worker and its models. One on a file system that
// all nodes share serves executors that join later too. Without it, it is the
// node's cache (see WithModelAt), which must have the same path everywhere.
func WithStreamFolder(path string) Option {
	return func(c *config) { c.ship.streamFolder = path }
}

// withInstalled calls start while the session's worker is the one that is
// installed on the nodes. Without a worker it only calls start.
func (s *Session) withInstalled(ctx context.Context, start func(executable string) error) error {
	if !s.config.ship.wanted {
		return start("")
	}
	// The setting is the session's: two streams take turns.
	s.installing.Lock()
	defer s.installing.Unlock()
	executable, err := s.install(ctx)
	if err != nil {
		return err
	}
	// A stream keeps the settings that the session has when it starts.
	if err := s.useWorker(ctx, executable); err != nil {
		return err
	}
	err = start(executable)
	back := context.WithoutCancel(ctx)
	return errors.Join(err, s.useWorker(back, bundle.Executable))
}

// installRows is the number of rows of an installation: at least as many as a
// cluster has room for tasks.
const installRows = 1 << 16

// install has the worker installed on all nodes that have an executor now, and
// gives the program's path, the same on all.
func (s *Session) install(ctx context.Context) (executable string, err error) {
	installed := Call(bundle.Install, s.config.ship.streamFolder, Col("id")).Alias("installed")
	rows, err := s.Range(0, installRows, 1, 0).Select(installed).Distinct().Collect(ctx)
	if err != nil {
		return "", fmt.Errorf("installing the worker on the nodes, for a stream: %w", err)
	}
	var paths []string
	for _, row := range rows {
		text, err := Get[string](row, "installed")
		if err != nil {
			return "", err
		}
		var i bundle.Installed
		if err := json.Unmarshal([]byte(text), &i); err != nil {
			return "", fmt.Errorf("installing the worker on the nodes: its answer %q: %w", secret.Hide(text), err)
		}
		if i.Error != "" {
			return "", fmt.Errorf("installing the worker on the node %s, for a stream: %s", i.Host, secret.Hide(i.Error))
		}
		if !slices.Contains(paths, i.Executable) {
			paths = append(paths, i.Executable)
		}
	}
	if len(paths) != 1 {
		return "", fmt.Errorf("a stream needs the worker at one path on all nodes, and it is at %s; name a folder by spark.WithStreamFolder", strings.Join(paths, ", "))
	}
	return paths[0], nil
}
