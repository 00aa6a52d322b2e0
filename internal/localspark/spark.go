// Package localspark installs a Spark distribution without Python and runs its
// Spark Connect server on this machine. It also starts a Connect server with an
// installed spark-submit, whose executors may be on a cluster.
//
// The distribution comes from the PyPI package pyspark. Spark 4 contains the
// Connect server; for Spark 3.5 its jar comes from Maven Central.
package localspark

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/dirhash"
	"github.com/firesteel/firesteel/internal/fsys/extract"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/network/pypi"
)

// DefaultVersion is the version of Spark that is installed by default.
const DefaultVersion = "4.3.0"

// Distribution is an installed Spark.
type Distribution struct {
	Home    string // SPARK_HOME, with a folder jars
	Version string // such as "4.3.0"
	Scala   string // such as "2.13"
	// Connect is the path of the Connect server's jar; "" if jars contains it.
	Connect string
}

var (
	versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(\.?(dev|rc|a|b)[0-9]+)?$`)
	coreJar     = regexp.MustCompile(`^spark-core_(\d+\.\d+)-(.+)\.jar$`)
)

// limits are several times the size of a distribution.
var limits = extract.Limits{Files: 10_000, Bytes: 4 << 30}

// Install returns the Spark at o.Home or, if that is empty, the version
// o.Version, which it downloads from the package index unless the cache has it.
func Install(ctx context.Context, o Options) (Distribution, error) {
	if o.Home != "" {
		d, err := inspect(o.Home)
		if err != nil {
			return Distribution{}, err
		}
		return d, d.addConnect(ctx, o)
	}
	version := o.Version
	if version == "" {
		version = DefaultVersion
	}
	if !versionForm.MatchString(version) {
		return Distribution{}, fmt.Errorf("%q is not a version of Spark; a version has the form %s", version, DefaultVersion)
	}
	if before(version, 3, 5) {
		return Distribution{}, fmt.Errorf("version %s of Spark is too old: Spark 3.5 and later are supported", version)
	}
	cache, err := cachedir.Dir()
	if err != nil {
		return Distribution{}, err
	}
	home := filepath.Join(cache, "spark", version)
	exists, err := checkCached(ctx, home)
	if err == nil && !exists {
		err = install(ctx, o, version, home)
	}
	if err != nil {
		return Distribution{}, err
	}
	d, err := inspect(home)
	if err != nil {
		return Distribution{}, err
	}
	return d, d.addConnect(ctx, o)
}

// checkCached reports whether the cache has a Spark at home. It returns an error
// if the files have changed since the installation.
func checkCached(ctx context.Context, home string) (exists bool, err error) {
	_, err = dirhash.Check(ctx, home)
	var mismatch *dirhash.MismatchError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, dirhash.ErrNoManifest):
		return false, nil
	case errors.As(err, &mismatch):
		return false, fmt.Errorf("the cached Spark: %w; remove %s to download it again. To use a changed Spark, copy it out of the cache and set SPARK_HOME to the copy", err, home)
	case err != nil:
		return false, fmt.Errorf("the cached Spark: %w; set FIRESTEEL_CACHE to use another folder", err)
	}
	return true, nil
}

// inspect reads the versions of a distribution from the names of its jars.
func inspect(home string) (Distribution, error) {
	entries, err := os.ReadDir(filepath.Join(home, "jars"))
	if err != nil {
		return Distribution{}, fmt.Errorf("%s is not a Spark distribution: %w; its folder contains bin and jars", home, err)
	}
	for _, entry := range entries {
		if m := coreJar.FindStringSubmatch(entry.Name()); m != nil {
			abs, err := filepath.Abs(home)
			return Distribution{Home: abs, Scala: m[1], Version: m[2]}, err
		}
	}
	return Distribution{}, fmt.Errorf("%s is not a Spark distribution: its folder jars has no spark-core jar", home)
}

// install downloads and unpacks a version.
func install(ctx context.Context, o Options, version, home string) error {
	if err := privatefile.MakeDir(filepath.Dir(home)); err != nil {
		return fmt.Errorf("creating the folder for Spark: %w; set FIRESTEEL_CACHE to use another", err)
	}
	lock, err := fetch.Lock(ctx, home+".lock")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("locking the folder for Spark: %w; set FIRESTEEL_CACHE to use another", err)
	}
	defer lock.Unlock()
	if exists, err := checkCached(ctx, home); exists || err != nil {
		return err // another process installed it
	}
	archive, downloaded, err := download(ctx, o, version)
	if err != nil {
		return err
	}
	err = extractSpark(ctx, o, archive, home)
	if errors.Is(err, extract.ErrCorrupt) && !downloaded {
		err = fmt.Errorf("%w; remove %s to download it again", err, archive)
	}
	if err == nil && downloaded {
		os.Remove(archive)
	}
	return err
}

// DownloadError reports that a version of Spark could not be downloaded.
type DownloadError struct {
	Version string
	Path    string // where the archive may be put by hand
	Err     error
}

func (e *DownloadError) Error() string {
	return fmt.Sprintf("finding Spark %s: %v\n  Without network access: download pyspark-%s.tar.gz from https://pypi.org/project/pyspark/%s/#files on another machine and copy it to %s, or use an installed Spark",
		e.Version, e.Err, e.Version, e.Version, e.Path)
}

func (e *DownloadError) Unwrap() error { return e.Err }

// download returns the path of the archive of a version, and reports whether it
// downloaded the archive or found it at this path.
func download(ctx context.Context, o Options, version string) (path string, downloaded bool, err error) {
	folder, err := cachedir.Downloads()
	if err != nil {
		return "", false, err
	}
	path = filepath.Join(folder, "pyspark-"+version+".tar.gz")
	known := fetch.SHA256(archives[version])
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return path, false, checkArchive(ctx, path, known)
	}
	if _, err := findJava(ctx, version); err != nil {
		return "", false, err // checked before the download of half a gigabyte
	}
	file, err := pypi.FromEnvironment(o.client()).Find(ctx, "pyspark", version, pypi.Source)
	if err != nil {
		return "", false, &DownloadError{Version: version, Path: path, Err: err}
	}
	if known.IsZero() {
		known = fetch.SHA256(file.SHA256)
	}
	if known.IsZero() {
		return "", false, fmt.Errorf("the package index has no SHA-256 for %s, so it cannot be verified; download it to %s yourself if you trust it", file.Name, path)
	}
	err = o.client().Get(ctx, fetch.Request{URL: file.URL, Path: path, Size: file.Size, Sum: known})
	return path, err == nil, err
}

// checkArchive compares an archive that the user has downloaded with the known
// SHA-256 of its version, if there is one.
func checkArchive(ctx context.Context, path string, known fetch.Sum) error {
	if err := privatefile.Check(filepath.Dir(path)); err != nil || known.IsZero() {
		return err
	}
	if err := known.File(ctx, path); err != nil {
		return fmt.Errorf("%s: %w; remove it to download it again", path, err)
	}
	return nil
}

// extractSpark unpacks the files that a server needs to home. After an error home
// does not exist.
func extractSpark(ctx context.Context, o Options, archive, home string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// The jars are compressed, so the unpacked size is about that of the archive.
	if err := fetch.CheckSpace(filepath.Dir(home), info.Size()+info.Size()/8); err != nil {
		return err
	}
	stale, err := filepath.Glob(home + ".new-*")
	if err != nil {
		return err
	}
	for _, dir := range stale { // left by a process that died, because this one holds the lock
		os.RemoveAll(dir)
	}
	temp, err := os.MkdirTemp(filepath.Dir(home), filepath.Base(home)+".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	name := "unpacking " + filepath.Base(archive)
	read := extract.Counted(f, func(done int64) {
		if o.Progress != nil {
			o.Progress.Step(name, done, info.Size())
		}
	})
	_, err = extract.TarGz(ctx, read, temp, limits, targetPath)
	if o.Progress != nil {
		o.Progress.End(name)
	}
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", archive, err)
	}
	if _, err := inspect(temp); err != nil {
		return fmt.Errorf("%s does not contain Spark: deps/jars has no spark-core jar", archive)
	}
	if err := dirhash.Write(ctx, temp); err != nil {
		return err
	}
	if err := os.RemoveAll(home); err != nil { // an incomplete installation
		return err
	}
	return os.Rename(temp, home)
}

// targetPath returns the path in SPARK_HOME for an entry of the pyspark archive,
// or "" to omit it. Examples, data, the jars of the Scala shell and all Python
// code are omitted.
func targetPath(name string) string {
	_, rest, ok := strings.Cut(name, "/")
	if !ok {
		return ""
	}
	if rest == "LICENSE" || rest == "NOTICE" {
		return rest
	}
	rest, ok = strings.CutPrefix(rest, "deps/")
	folder, file, nested := strings.Cut(rest, "/")
	if !ok || !nested || strings.Contains(file, "/") {
		return ""
	}
	switch folder {
	case "jars", "bin", "sbin", "licenses":
		return rest
	}
	return ""
}

// before reports whether a version is older than major.minor.
func before(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return true
	}
	m, errMajor := strconv.Atoi(parts[0])
	n, errMinor := strconv.Atoi(parts[1])
	if errMajor != nil || errMinor != nil {
		return true
	}
	return m < major || m == major && n < minor
}
