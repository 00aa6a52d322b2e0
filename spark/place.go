package spark

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights"
)

// Places of WithModelAt.
const (
	InArchive  = "archive" // in what the session uploads, whatever the size
	AtSamePath = "path"    // at the path that the model has here
)

// maxArchived is the size, in bytes, up to which a model travels in the
// session's archive without being told to: each executor gets, unpacks and
// keeps it anew for each session; see docs/cluster.md.
const maxArchived = 2 << 30

// WithModelAt says where executors find the model, if not in the archive that
// the session uploads:
//
//   - AtSamePath, or an absolute path (also as file:///...): on a file system
//     that all executors have. The model is read there, or with copy from a
//     copy that the node keeps.
//   - an http:// or https:// address: the first executor of a node downloads the
//     model to the node's cache.
//
// A model of several files is a folder at this place; of a split GGUF model the
// first file may be named too. Executors check the files
// against those that are here. An empty place is InArchive for a model of up to
// 2 GiB, and an error for a larger one.
//
// The node's cache is FIRESTEEL_CACHE in the executor's environment
// (spark.executorEnv.FIRESTEEL_CACHE), or "firesteel" in the cache folder of
// its user.
func WithModelAt(place string, copy bool) Option {
	return func(c *config) { c.ship.place, c.ship.nodeCopy = place, copy }
}

// placed writes into the manifest where executors find the model m.
func (s shipment) placed(manifest *bundle.Model, m weights.Model) error {
	place, err := placeOf(s.place, m)
	if err != nil {
		return err
	}
	if first := manifest.Opened(); first != "" { // a person may name the first of several files
		place = strings.TrimSuffix(place, "/"+first)
	}
	if place == "" && s.nodeCopy {
		return fmt.Errorf("a copy on each node is for a model at a path that executors share; name it (--ship path for the firesteel command)")
	}
	manifest.Place, manifest.NodeCopy = place, s.nodeCopy
	return nil
}

// placeOf gives an absolute path, an address, or "" for the archive.
func placeOf(place string, m weights.Model) (string, error) {
	switch {
	case place == "" && m.Size > maxArchived:
		return "", fmt.Errorf("the model %s has %s, which each executor would get anew for each session; put it on a file system or web server that executors can read, and name the place (--ship path, --ship /mnt/models/..., --ship https://...), or insist on the upload (--ship archive)", m.Name, fetch.Bytes(m.Size))
	case place == "" || place == InArchive:
		return "", nil
	case place == AtSamePath:
		path := m.Path
		if len(m.Files) > 0 {
			path = m.Folder()
		}
		path, err := filepath.Abs(path)
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
	return "", fmt.Errorf("%q is no place of a model: it is %s, %s, an absolute path, or an address like file:///mnt/models/m.gguf or https://host/m.gguf", fetch.Redact(place), InArchive, AtSamePath)
}
