package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// locate returns the path of the model's file or folder. If the model has to be
// copied or downloaded to this node, the first executor does so and the others
// wait. hashed reports whether the content was compared with the manifest.
func (s *sharedModel) locate(ctx context.Context) (path string, hashed bool, err error) {
	archived := filepath.Join(s.root, bundle.ModelDir, s.spec.Dir(), s.spec.File)
	place := s.spec.Place
	isURL := strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://")
	switch {
	case place == "":
		return archived, false, nil
	case !isURL && !filepath.IsAbs(place):
		return place, false, fmt.Errorf("the place %q in the manifest is neither an absolute path nor an HTTP URL", fetch.Redact(place))
	case !isURL && !s.spec.NodeCopy:
		return place, false, nil
	}
	path, err = s.cachePath()
	if err == nil {
		if err = s.fetchTo(ctx, path, false); err == nil {
			return path, true, nil
		}
	}
	if !isCacheError(err) {
		return path, false, err
	}
	// The job goes on without a cache that is full, read-only, or writable by
	// other users.
	s.log.Warn("the model cannot be stored in the node's cache; FIRESTEEL_CACHE in the executor's environment names another folder", "error", err)
	if !isURL {
		return place, false, nil
	}
	return archived, true, s.fetchTo(ctx, archived, true)
}

// cachePath returns the path of the model in the node's cache, which contains
// its SHA-256.
func (s *sharedModel) cachePath() (string, error) {
	if !sha256Form.MatchString(s.spec.SHA256) {
		return "", fmt.Errorf("the manifest has no valid SHA-256 for the model: %q", s.spec.SHA256)
	}
	cache, err := cachedir.Dir()
	if err != nil {
		return "", noCacheError{err}
	}
	return filepath.Join(cache, "shipped", s.spec.SHA256, s.spec.File), nil
}

// noCacheError reports that the executor's environment names no cache folder.
type noCacheError struct{ error }

// isCacheError reports whether an error of fetchTo concerns the folder that is
// written to, not the place that is read from.
func isCacheError(err error) bool {
	var noCache noCacheError
	var untrusted *privatefile.UntrustedError
	var path *fs.PathError
	return errors.As(err, &noCache) || errors.As(err, &untrusted) || errors.Is(err, syscall.ENOSPC) ||
		errors.As(err, &path) && (path.Op == "mkdir" || path.Op == "write" || path.Op == "open" && !errors.Is(err, fs.ErrNotExist))
}

// fetchTo copies or downloads the model's files to path, in the node's cache or,
// if archived is set, in the executor's own folder.
func (s *sharedModel) fetchTo(ctx context.Context, path string, archived bool) error {
	for _, part := range s.spec.Parts() {
		r := fetch.Request{
			Path: filepath.Join(path, part.Name), SparksDirectory: archived,
			Size: part.Size, Sum: fetch.SHA256(part.SHA256), Name: s.spec.Name,
		}
		if err := s.fetchPart(ctx, part.Name, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *sharedModel) fetchPart(ctx context.Context, name string, r fetch.Request) error {
	if filepath.IsAbs(s.spec.Place) {
		return fetch.Copy(ctx, filepath.Join(s.spec.Place, name), r)
	}
	r.URL = s.spec.Place
	if name != "" {
		var err error
		if r.URL, err = url.JoinPath(s.spec.Place, name); err != nil {
			return errors.New("the place in the manifest is not a valid URL")
		}
	}
	return new(fetch.Client).Get(ctx, r)
}
