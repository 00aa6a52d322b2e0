// Package localspark gets a Spark distribution without Python, and runs its
// Spark Connect server on this machine; or it has the user's own spark-submit
// run one, whose executors are wherever that Spark's are.
//
// The distribution is the one inside the PyPI package pyspark. Spark 4 carries
// the Connect server; for 3.5 its jar comes from Maven Central.
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

// DefaultVersion is the Spark that is got unless another is asked for.
const DefaultVersion = "4.3.0"

// Distribution is a Spark on this machine.
type Distribution struct {
	Home    string // SPARK_HOME: has a folder jars
	Version string // "4.3.0"
	Scala   string // "2.13"
	// Connect is the Connect server's jar where it is not in jars.
	Connect string
}

var (
	versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(\.?(dev|rc|a|b)[0-9]+)?$`)
	coreJar     = regexp.MustCompile(`^spark-core_(\d+\.\d+)-(.+)\.jar$`)
)

// limits are several times what a distribution has.
var limits = extract.Limits{Files: 10_000, Bytes: 4 << 30}

// Install finds or gets the Spark that o names: o.Home as it is, or the
// version o.Version from the cache or from the package index.
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
		return Distribution{}, fmt.Errorf("%q is not a version of Spark; write it as %s", version, DefaultVersion)
	}
	if before(version, 3, 5) {
		return Distribution{}, fmt.Errorf("Spark %s is too old: 3.5 and later are supported", version)
	}
	cache, err := cachedir.Dir()
	if err != nil {
		return Distribution{}, err
	}
	home := filepath.Join(cache, "spark", version)
	there, err := check(ctx, home)
	if err == nil && !there {
		err = get(ctx, o, version, home)
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

// check tells whether a Spark is in the cache. One that is no longer what was
// unpacked is an error.
func check(ctx context.Context, home string) (there bool, err error) {
	_, err = dirhash.Check(ctx, home)
	var mismatch *dirhash.MismatchError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, dirhash.ErrNoManifest):
		return false, nil
	case errors.As(err, &mismatch):
		return false, fmt.Errorf("Spark in the cache: %w; remove %s to have it downloaded again. A Spark that you have changed is used from another place, named as SPARK_HOME is", err, home)
	case err != nil:
		return false, fmt.Errorf("Spark in the cache: %w; FIRESTEEL_CACHE names another", err)
	}
	return true, nil
}

// inspect reads a distribution's versions from its jars' names.
func inspect(home string) (Distribution, error) {
	entries, err := os.ReadDir(filepath.Join(home, "jars"))
	if err != nil {
		return Distribution{}, fmt.Errorf("%s is no Spark: %w; a Spark's folder is the one that holds bin and jars", home, err)
	}
	for _, entry := range entries {
		if m := coreJar.FindStringSubmatch(entry.Name()); m != nil {
			abs, err := filepath.Abs(home)
			return Distribution{Home: abs, Scala: m[1], Version: m[2]}, err
		}
	}
	return Distribution{}, fmt.Errorf("%s is no Spark: no spark-core jar in its folder jars", home)
}

// get downloads and unpacks a version.
func get(ctx context.Context, o Options, version, home string) error {
	if err := privatefile.MakeDir(filepath.Dir(home)); err != nil {
		return fmt.Errorf("folder for Spark: %w; FIRESTEEL_CACHE names another", err)
	}
	lock, err := fetch.Lock(ctx, home+".lock")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("folder for Spark: %w; FIRESTEEL_CACHE names another", err)
	}
	defer lock.Unlock()
	if there, err := check(ctx, home); there || err != nil {
		return err // another process brought it
	}
	archive, fetched, err := download(ctx, o, version)
	if err != nil {
		return err
	}
	err = extractSpark(ctx, o, archive, home)
	if errors.Is(err, extract.ErrCorrupt) && !fetched {
		err = fmt.Errorf("%w; remove %s to have it downloaded again", err, archive)
	}
	if err == nil && fetched {
		os.Remove(archive)
	}
	return err
}

// download gives the archive's path, and whether it was fetched: a file that a
// person put there needs no index.
func download(ctx context.Context, o Options, version string) (path string, fetched bool, err error) {
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
		return "", false, err // before half a gigabyte comes that could not run here
	}
	file, err := pypi.FromEnvironment(o.client()).Find(ctx, "pyspark", version, pypi.Source)
	if err != nil {
		return "", false, fmt.Errorf("finding Spark %s: %w\n  Without a network here: download pyspark-%s.tar.gz from https://pypi.org/project/pyspark/%s/#files elsewhere and put it at %s, or name a Spark that is here: --spark-home FOLDER", version, err, version, version, path)
	}
	if known.IsZero() {
		known = fetch.SHA256(file.SHA256)
	}
	if known.IsZero() {
		return "", false, fmt.Errorf("the package index gives no SHA-256 for %s, so it cannot be verified; download it by hand to %s if you trust it", file.Name, path)
	}
	err = o.client().Get(ctx, fetch.Request{URL: file.URL, Path: path, Size: file.Size, Sum: known})
	return path, err == nil, err
}

// checkArchive compares an archive that a person put there with what is known
// of its version, if anything is.
func checkArchive(ctx context.Context, path string, known fetch.Sum) error {
	if err := privatefile.Check(filepath.Dir(path)); err != nil || known.IsZero() {
		return err
	}
	if err := known.File(ctx, path); err != nil {
		return fmt.Errorf("%s: %w; remove it to have it downloaded", path, err)
	}
	return nil
}

// extractSpark leaves at home what a server needs of the archive, or nothing.
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
	// The jars are compressed already: the archive's size is that of its content.
	if err := fetch.CheckSpace(filepath.Dir(home), info.Size()+info.Size()/8); err != nil {
		return err
	}
	stale, err := filepath.Glob(home + ".new-*")
	if err != nil {
		return err
	}
	for _, dir := range stale { // of a process that died, as the lock is ours
		os.RemoveAll(dir)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(home), filepath.Base(home)+".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	name := "unpacking " + filepath.Base(archive)
	read := extract.Counted(f, func(done int64) {
		if o.Progress != nil {
			o.Progress.Step(name, done, info.Size())
		}
	})
	_, err = extract.TarGz(ctx, read, fresh, limits, wanted)
	if o.Progress != nil {
		o.Progress.End(name)
	}
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", archive, err)
	}
	if _, err := inspect(fresh); err != nil {
		return fmt.Errorf("%s holds no Spark: no spark-core jar in deps/jars", archive)
	}
	if err := dirhash.Write(ctx, fresh); err != nil {
		return err
	}
	if err := os.RemoveAll(home); err != nil { // it has no seal
		return err
	}
	return os.Rename(fresh, home)
}

// wanted says where an entry of the pyspark archive goes below SPARK_HOME.
// Examples, data, the Scala shell's jars and all Python stay out.
func wanted(name string) string {
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

// before compares the first two numbers of a version.
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
