// Package pypi reads Python package indexes: the files of a project with their
// URLs and digests. It implements the simple repository API in JSON (PEP 691)
// and, for older indexes, in HTML (PEP 503).
package pypi

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/secret"
)

// DefaultIndex is the index of PyPI.
const DefaultIndex = "https://pypi.org/simple"

// maxPage is the largest size of an index page in bytes. The pages of the
// largest projects have a few megabytes.
const maxPage = 64 << 20

// Index is a package index.
type Index struct {
	URL    string // root of the simple API; may contain credentials
	Client *fetch.Client
}

// Kind is the kind of a distribution file.
type Kind string

const (
	Wheel  Kind = "wheel"
	Source Kind = "sdist"
)

// File is a distribution file of a project.
type File struct {
	Name    string // file name
	Version string
	Kind    Kind
	URL     string // absolute, with the index's credentials if on its host
	SHA256  string // hexadecimal; empty if the index does not state it
	Size    int64  // bytes; 0 if the index does not state it
	Yanked  bool
}

// ErrNoFile reports that the index has no file of a version and kind.
var ErrNoFile = errors.New("no such file in the package index")

const accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

// Files returns the files of a project.
func (x Index) Files(ctx context.Context, project string) ([]File, error) {
	root, err := url.Parse(strings.TrimRight(x.URL, "/") + "/")
	if err != nil || root.Host == "" {
		return nil, fmt.Errorf("the URL of the package index is malformed: check PIP_INDEX_URL")
	}
	page := root.JoinPath(Normalize(project) + "/")
	body, header, err := x.Client.Document(ctx, page.String(), http.Header{"Accept": {accept}}, maxPage)
	if err != nil {
		if fetch.Status(err) == http.StatusNotFound {
			return nil, fmt.Errorf("%w: %s has no project %q", ErrNoFile, fetch.Redact(x.URL), project)
		}
		return nil, err
	}
	parse := parseHTML
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); strings.HasSuffix(kind, "json") {
		parse = parseJSON
	}
	files, err := parse(page, project, body)
	if err != nil {
		return nil, secret.Error(fmt.Errorf("index page %s: %w", fetch.Redact(page.String()), err))
	}
	return files, nil
}

// Find returns the file of a version. If version is empty, it returns the file
// of the newest version that is neither yanked nor a pre-release. Wheels for one
// platform only are ignored.
func (x Index) Find(ctx context.Context, project, version string, kind Kind) (File, error) {
	files, err := x.Files(ctx, project)
	if err != nil {
		return File{}, err
	}
	file, err := choose(files, version, kind)
	if err != nil {
		// The error contains text of the index.
		return File{}, secret.Error(fmt.Errorf("%s at %s: %w", project, fetch.Redact(x.URL), err))
	}
	return file, nil
}

func choose(files []File, version string, kind Kind) (File, error) {
	var best *File
	var versions []string
	for i, f := range files {
		if f.Kind != kind || kind == Wheel && !strings.HasSuffix(f.Name, "-any.whl") {
			continue
		}
		if !slices.Contains(versions, f.Version) {
			versions = append(versions, f.Version)
		}
		if version != "" {
			// An explicit version is used even if it was yanked.
			if CompareVersions(f.Version, version) == 0 {
				best = &files[i]
			}
			continue
		}
		if f.Yanked || prerelease(f.Version) {
			continue
		}
		if best == nil || CompareVersions(f.Version, best.Version) > 0 {
			best = &files[i]
		}
	}
	if best != nil {
		return *best, nil
	}
	if version == "" {
		return File{}, fmt.Errorf("%w: no usable %s", ErrNoFile, kind)
	}
	slices.SortFunc(versions, CompareVersions)
	return File{}, fmt.Errorf("%w: no %s of version %s; the index has: %s", ErrNoFile, kind, version, strings.Join(versions, ", "))
}

var separators = regexp.MustCompile(`[-_.]+`)

// Normalize returns the normalized name of a project (PEP 503).
func Normalize(project string) string {
	return strings.ToLower(separators.ReplaceAllString(project, "-"))
}

var projectName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// ValidName reports whether project is a valid name of a project.
func ValidName(project string) bool { return projectName.MatchString(project) }

// classify returns the version and kind of a file by its name. A wheel is named
// name-version[-build]-python-abi-platform.whl, a source distribution
// name-version.tar.gz.
func classify(project, name string) (version string, kind Kind, ok bool) {
	if !plainName(name) {
		return "", "", false
	}
	if stem, is := strings.CutSuffix(name, ".whl"); is {
		parts := strings.Split(stem, "-")
		if len(parts) < 5 || Normalize(parts[0]) != Normalize(project) {
			return "", "", false
		}
		return parts[1], Wheel, parts[1] != ""
	}
	if stem, is := strings.CutSuffix(name, ".tar.gz"); is {
		cut := strings.LastIndexByte(stem, '-')
		if cut < 0 || Normalize(stem[:cut]) != Normalize(project) {
			return "", "", false
		}
		return stem[cut+1:], Source, stem[cut+1:] != ""
	}
	return "", "", false
}

// plainName reports whether name can be a file name in the cache.
func plainName(name string) bool {
	return name != "" && len(name) <= 255 && name[0] != '.' && !strings.ContainsAny(name, "/\\:\x00") && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}
