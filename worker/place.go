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

// locate gives the path of the model's file or folder, and brings it to this
// node if need be: once for all of its executors, which wait for each other.
// hashed says that its content has been compared with the manifest.
func (s *sharedModel) locate(ctx context.Context) (path string, hashed bool, err error) {
	archived := filepath.Join(s.root, bundle.ModelDir, s.spec.Dir(), s.spec.File)
	place := s.spec.Place
	address := strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://")
	switch {
	case place == "":
		return archived, false, nil
	case !address && !filepath.IsAbs(place):
		return place, false, fmt.Errorf("the manifest's place %q is neither an absolute path nor an http address", fetch.Redact(place))
	case !address && !s.spec.NodeCopy:
		return place, false, nil
	}
	path, err = s.cached()
	if err == nil {
		if err = s.bring(ctx, path, false); err == nil {
			return path, true, nil
		}
	}
	if !ofDisk(err) {
		return path, false, err
	}
	// A cache that is full, cannot be written, or can be written by others must
	// not fail the job.
	s.log.Warn("the node's cache cannot keep the model; FIRESTEEL_CACHE in the executor's environment names another", "error", err)
	if !address {
		return place, false, nil
	}
	return archived, true, s.bring(ctx, archived, true)
}

// cached is where the model lies in the node's cache, by its digest.
func (s *sharedModel) cached() (string, error) {
	if !sha256Form.MatchString(s.spec.SHA256) {
		return "", fmt.Errorf("the manifest gives no SHA-256 for the model, but %q", s.spec.SHA256)
	}
	cache, err := cachedir.Dir()
	if err != nil {
		return "", errNoCache{err}
	}
	return filepath.Join(cache, "shipped", s.spec.SHA256, s.spec.File), nil
}

// errNoCache: this executor's environment names no cache.
type errNoCache struct{ error }

// ofDisk tells an error of the place that is written to from one of the model's
// place.
func ofDisk(err error) bool {
	var none errNoCache
	var untrusted *privatefile.UntrustedError
	var path *fs.PathError
	return errors.As(err, &none) || errors.As(err, &untrusted) || errors.Is(err, syscall.ENOSPC) ||
		errors.As(err, &path) && (path.Op == "mkdir" || path.Op == "write" || path.Op == "open" && !errors.Is(err, fs.ErrNotExist))
}

// bring makes sure that the model's files, and no others, are at path: in the
// node's cache, or in the executor's own folder.
func (s *sharedModel) bring(ctx context.Context, path string, archived bool) error {
	for _, part := range s.spec.Parts() {
		r := fetch.Request{
			Path: filepath.Join(path, part.Name), SparksDirectory: archived,
			Size: part.Size, Sum: fetch.SHA256(part.SHA256), Name: s.spec.Name,
		}
		if err := s.bringPart(ctx, part.Name, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *sharedModel) bringPart(ctx context.Context, name string, r fetch.Request) error {
	if filepath.IsAbs(s.spec.Place) {
		return fetch.Copy(ctx, filepath.Join(s.spec.Place, name), r)
	}
	r.URL = s.spec.Place
	if name != "" {
		var err error
		if r.URL, err = url.JoinPath(s.spec.Place, name); err != nil {
			return errors.New("the manifest's place is no address")
		}
	}
	return new(fetch.Client).Get(ctx, r)
}
