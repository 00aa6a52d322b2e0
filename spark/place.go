package spark

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm/models"
)

// Places of WithModelAt.
const (
	InArchive  = "archive" // in the session's archive, whatever the size
	AtSamePath = "path"    // at the path that the model has on the client
)

// maxArchived is the largest size, in bytes, of a model that is put into the
// session's archive by default. Each executor downloads, unpacks and stores the
// archive again for each session; see docs/cluster.md.
const maxArchived = 2 << 30

// WithModelAt says where executors find the model, if it is not in the archive
// that the session uploads:
//
//   - AtSamePath, or an absolute path (also as file:///...): on a file system
//     that all executors have. The model is read there or, with copy, from a
//     copy that the node keeps.
//   - an http:// or https:// address: the first executor of a node downloads the
//     model to the node's cache.
//
// For a model of several files, the place is a folder; for a split GGUF model,
// it may also be the first file. Executors compare the files with those on the
// client. An empty place is InArchive for a model of up to 2 GiB, and a
// *TooLargeError for a larger one.
//
// The node's cache is FIRESTEEL_CACHE in the executor's environment
// (spark.executorEnv.FIRESTEEL_CACHE), or "firesteel" in the cache folder of
// its user.
func WithModelAt(place string, copy bool) Option {
	return func(c *config) { c.ship.place, c.ship.nodeCopy = place, copy }
}

// TooLargeError reports a model that is too large for the archive by default.
type TooLargeError struct {
	Model string
	Size  int64 // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the model %s has %s, which each executor would download again for each session; store it on a file system or a web server that executors can read, and name that place with WithModelAt, or upload it with WithModelAt(InArchive, false)",
		e.Model, fetch.Bytes(e.Size))
}

// ErrNodeCopy reports a copy on each node of a model in the archive.
var ErrNodeCopy = errors.New("nodes keep copies of models that executors read from a place, but this model is in the archive; name the place")

// placed sets the place of the model m in the manifest.
func (s shipment) placed(manifest *bundle.Model, m *models.Resolved, place string) error {
	place, err := placeOf(place, m)
	if err != nil {
		return err
	}
	if first := models.FirstFile(m.Files); first != "" { // the place may name the first of several files
		place = strings.TrimSuffix(place, "/"+first)
	}
	if place == "" && s.nodeCopy && (s.place == "" || s.place == InArchive) {
		return ErrNodeCopy
	}
	manifest.Place, manifest.NodeCopy = place, s.nodeCopy && place != ""
	return nil
}

// placeOf returns an absolute path, an address, or "" for the archive.
func placeOf(place string, m *models.Resolved) (string, error) {
	switch {
	case place == "" && m.Size > maxArchived:
		return "", &TooLargeError{m.Info.Name, m.Size}
	case place == "" || place == InArchive:
		return "", nil
	case place == AtSamePath:
		path, err := filepath.Abs(m.Root)
		return filepath.ToSlash(path), err
	case strings.HasPrefix(place, "/"):
		return place, nil
	}
	u, err := url.Parse(place)
	switch {
	case err != nil:
	case u.Scheme == "file" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return u.Path, nil
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		return place, egress.FromEnvironment().Check(u.Host)
	}
	return "", fmt.Errorf("%q is not a place of a model; it must be %s, %s, an absolute path, or an address such as file:///mnt/models/m.gguf or https://host/m.gguf", fetch.Redact(place), InArchive, AtSamePath)
}
