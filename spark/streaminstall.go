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

// WithStreamFolder sets the folder in which streaming queries find the worker and
// its models: an absolute path on each node. With a folder on a shared file
// system, executors that start later find the worker too. The default is the
// node's cache (see WithModelAt), whose path must be the same on all nodes.
func WithStreamFolder(path string) Option {
	return func(c *config) { c.ship.streamFolder = path }
}

// withInstalled installs the worker on the nodes and calls start with the
// session set to the installed worker. In a session without a worker it only
// calls start.
func (s *Session) withInstalled(ctx context.Context, start func(executable string) error) error {
	if !s.config.ship.wanted {
		return start("")
	}
	// Streams start one after another, because the setting is the session's.
	s.installing.Lock()
	defer s.installing.Unlock()
	executable, err := s.install(ctx)
	if err != nil {
		return err
	}
	// A stream keeps the settings that the session has at the start.
	if err := s.useWorker(ctx, executable); err != nil {
		return err
	}
	err = start(executable)
	back := context.WithoutCancel(ctx)
	return errors.Join(err, s.useWorker(back, bundle.Executable))
}

// installRows is the number of rows of the installing query. It is at least the
// number of tasks that a cluster runs at once.
const installRows = 1 << 16

// install installs the worker on all nodes that have an executor, and returns
// the program's path, which must be the same on all nodes.
func (s *Session) install(ctx context.Context) (executable string, err error) {
	installed := Call(bundle.Install, s.config.ship.streamFolder, Col("id")).Alias("installed")
	rows, err := s.Range(0, installRows, 1, 0).Select(installed).Distinct().Collect(ctx)
	if err != nil {
		return "", fmt.Errorf("installing the worker on the nodes for a stream: %w", err)
	}
	var paths []string
	for _, row := range rows {
		text, err := Get[string](row, "installed")
		if err != nil {
			return "", err
		}
		var i bundle.Installed
		if err := json.Unmarshal([]byte(text), &i); err != nil {
			return "", fmt.Errorf("installing the worker on the nodes: invalid answer %q: %w", secret.Hide(text), err)
		}
		if i.Error != "" {
			return "", fmt.Errorf("installing the worker on the node %s for a stream: %s", i.Host, secret.Hide(i.Error))
		}
		if !slices.Contains(paths, i.Executable) {
			paths = append(paths, i.Executable)
		}
	}
	if len(paths) != 1 {
		return "", fmt.Errorf("a stream needs the worker at the same path on all nodes, but it is at %s; name a folder with spark.WithStreamFolder", strings.Join(paths, ", "))
	}
	return paths[0], nil
}
