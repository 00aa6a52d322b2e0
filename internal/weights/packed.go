package weights

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/dirhash"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/network/pypi"
	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// packed is a model in downloaded archives. The cache has a sealed folder with the files of each
// version.
type packed struct {
	ref           string
	dir           string // of all versions, in the cache's folder of models
	version, path string // both may be empty
	name          string // of a file that has none
	plain         bool   // the download may be the model itself, not an archive
	note          string // the text of the file "reference" in dir; mostly empty
	// bring says what to copy to this machine from elsewhere, and where to.
	bring func() string
	// get returns the archives of a version, or of the newest one, and its name. done removes what
	// is not needed after unpacking.
	get func(ctx context.Context, o Options) (archives []string, version string, done func(), err error)
}

// newPacked returns the archives that a reference names. ok is false for other references.
func newPacked(ref string) (p packed, ok bool, err error) {
	scheme, rest, _ := strings.Cut(ref, ":")
	switch scheme {
	case "pypi":
		r, err := parsePackage(ref, rest)
		return r.packed(), true, err
	case "maven":
		r, err := parseMaven(ref, rest)
		return r.packed(), true, err
	case "https", "http":
		r, err := parseWeb(ref)
		return r.packed(), true, err
	}
	return packed{}, false, nil
}

// modelsDir returns the folder of unpacked models in the cache.
func modelsDir() (string, error) {
	cache, err := cachedir.Dir()
	return filepath.Join(cache, "models"), err
}

// versionFolder returns the name of the folder of a version in the cache.
func versionFolder(version, path string) string {
	if path == "" {
		return version
	}
	return version + "@" + strings.ReplaceAll(url.PathEscape(path), "*", "%2A")
}

// splitVersionFolder is the reverse of versionFolder.
func splitVersionFolder(folder string) (version, path string) {
	version, escaped, _ := strings.Cut(folder, "@")
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return folder, ""
	}
	return version, path
}

func (p packed) resolve(ctx context.Context, o Options) (Model, error) {
	models, err := modelsDir()
	if err != nil {
		return Model{}, err
	}
	p.dir = filepath.Join(models, p.dir)
	// Another content in the cache than the expected one is replaced.
	missing := func(err error) bool {
		var other *ContentError
		return errors.Is(err, fs.ErrNotExist) || !o.Cached && errors.As(err, &other)
	}
	if m, err := p.cached(ctx, p.version, o); !missing(err) {
		return m, err
	}
	if o.Cached {
		return Model{}, fmt.Errorf("%s is not on this machine: %w", p.ref, fs.ErrNotExist)
	}
	if err := privatefile.MakeDir(p.dir); err != nil {
		return Model{}, fmt.Errorf("creating the folder for models: %w; set FIRESTEEL_CACHE to another folder", err)
	}
	lock, err := fetch.Lock(ctx, p.dir+".lock")
	if err != nil {
		return Model{}, fmt.Errorf("waiting for another process that downloads %s: %w", p.ref, err)
	}
	defer lock.Unlock()
	if m, err := p.cached(ctx, p.version, o); !missing(err) {
		return m, err
	}
	archives, found, done, err := p.get(ctx, o)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w", p.ref, err)
	}
	if err := p.unpack(ctx, archives, found, o); err != nil {
		return Model{}, fmt.Errorf("model %s: %s: %w", p.ref, archives[0], err)
	}
	done()
	if p.note != "" {
		if err := privatefile.Replace(filepath.Join(p.dir, noteFile), []byte(p.note)); err != nil {
			return Model{}, err
		}
	}
	m, err := p.cached(ctx, found, o)
	if err == nil { // List reads digests from this cache only
		if len(m.Files) == 0 {
			digest.Remember(m.Path, m.SHA256)
		}
		for _, f := range m.Files {
			digest.Remember(filepath.Join(m.Folder(), filepath.FromSlash(f.Name)), f.SHA256)
		}
	}
	return m, err
}

// noteFile is the name of a file that holds a reference which the names of folders do not show.
const noteFile = "reference"

// remove deletes the versions that p names from the cache. The error is fs.ErrNotExist if there
// is none.
func (p packed) remove() error {
	models, err := modelsDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(models, p.dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, entry := range entries {
		version, path := splitVersionFolder(entry.Name())
		if entry.IsDir() && (p.version == "" || version == p.version) && (p.path == path || p.path == "" && p.version == "") {
			found = true
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if !found {
		return fs.ErrNotExist
	}
	if entries, err := os.ReadDir(dir); err == nil && (len(entries) == 0 || len(entries) == 1 && entries[0].Name() == noteFile) {
		return os.RemoveAll(dir)
	}
	return nil
}

// unpack writes the files of a version and seals their folder. On an error it leaves no folder.
func (p packed) unpack(ctx context.Context, archives []string, version string, o Options) error {
	fresh, err := os.MkdirTemp(p.dir, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := (unpacker{ctx, fresh, p.path, p.plain, o}).unpack(archives, p.name); err != nil {
		return err
	}
	if len(o.Files) > 0 {
		if _, err := pinned(p.ref, fresh, o.Files, computedHash(ctx)); err != nil {
			return err
		}
	}
	if err := dirhash.Write(ctx, fresh); err != nil {
		return err
	}
	dir := filepath.Join(p.dir, versionFolder(version, p.path))
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(fresh, dir)
}

// cached returns a version from the cache, or the newest cached one if version is empty. The error
// is fs.ErrNotExist if it is not there.
func (p packed) cached(ctx context.Context, version string, o Options) (Model, error) {
	if err := privatefile.Check(p.dir); err != nil {
		return Model{}, fmt.Errorf("model %s: %w", p.ref, err)
	}
	if version == "" {
		entries, err := os.ReadDir(p.dir)
		if err != nil {
			return Model{}, err
		}
		for _, entry := range entries {
			v, path := splitVersionFolder(entry.Name())
			if entry.IsDir() && path == p.path && !strings.HasPrefix(v, ".") && (version == "" || pypi.CompareVersions(v, version) > 0) {
				version = v
			}
		}
	}
	if version == "" {
		return Model{}, os.ErrNotExist
	}
	dir := filepath.Join(p.dir, versionFolder(version, p.path))
	files, err := dirhash.Check(ctx, dir)
	switch {
	case errors.Is(err, dirhash.ErrNoManifest):
		return Model{}, fs.ErrNotExist
	case errors.Is(err, fs.ErrNotExist):
		return Model{}, err
	case err != nil:
		return Model{}, fmt.Errorf("model %s: %w; delete %s to download it again", p.ref, err, dir)
	}
	hash := func(path string) (string, error) {
		name, err := filepath.Rel(dir, path)
		return files[filepath.ToSlash(name)].SHA256, err
	}
	if len(o.Files) > 0 {
		return pinned(p.ref, dir, o.Files, hash)
	}
	m, err := sealedModel(p.ref, dir, hash)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w; delete %s to download it again", p.ref, err, dir)
	}
	return m, nil
}

// sealedModel describes the model in a sealed folder.
func sealedModel(ref, dir string, hash hashFunc) (Model, error) {
	names, err := filesBelow(dir)
	if err != nil {
		return Model{}, err
	}
	file, _, err := chooseModel(names)
	if err != nil {
		return Model{}, fmt.Errorf("%w: the folder %s holds %w", ErrRef, dir, err)
	}
	path := filepath.Join(dir, filepath.FromSlash(file))
	name := filepath.Base(filepath.Dir(dir)) // of the package
	switch {
	case isGGUF(file):
		return ggufModel(ref, path, hash)
	case onnx.IsFile(file):
		m, err := onnxModel(ref, path, hash)
		m.Name = name
		return m, err
	}
	return folderModel(ref, name, dir, "", hash)
}
