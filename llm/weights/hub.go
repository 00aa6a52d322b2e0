package weights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/fetch"
)

// maxListing bounds the hub's description of a repository.
const maxListing = 32 << 20

func resolveHub(ctx context.Context, ref, rest string, o Options) (Model, error) {
	r, err := parseHub(ref, rest)
	if err != nil {
		return Model{}, err
	}
	dir, err := r.dir()
	if err != nil {
		return Model{}, err
	}
	model, err := r.cached(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return model, err
	}
	if hubOffline() {
		return Model{}, fmt.Errorf("model %s is not in %s, and HF_HUB_OFFLINE forbids to download it\n  %s", ref, dir, r.byHand())
	}
	model, err = r.download(ctx, dir, o)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w", ref, r.explain(err))
	}
	return model, nil
}

// cached finds the model where an earlier run, or Python, left it.
// fs.ErrNotExist says that it is not here.
func (r repo) cached(dir string) (Model, error) {
	commit := r.commit(dir)
	if commit == "" {
		return Model{}, fs.ErrNotExist
	}
	snapshot := filepath.Join(dir, "snapshots", commit)
	file := r.file
	if file == "" {
		names, err := ggufBelow(snapshot)
		if err != nil {
			return Model{}, err
		}
		if len(names) == 0 {
			return Model{}, fs.ErrNotExist
		}
		if file, err = r.only(names); err != nil {
			return Model{}, err
		}
	}
	return hubModel(r.ref, filepath.Join(snapshot, filepath.FromSlash(file)))
}

// hubModel takes the digest from the blob's name, by which it was verified
// when it was downloaded.
func hubModel(ref, path string) (Model, error) {
	if _, err := os.Stat(path); err != nil {
		return Model{}, err // a dangling link included
	}
	return newModel(ref, path, blobDigest(path))
}

func ggufBelow(snapshot string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(snapshot, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && isGGUF(path) {
			name, err := filepath.Rel(snapshot, path)
			if err != nil {
				return err
			}
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	return names, err
}

// only takes the one GGUF file there is: which of several, a person must say.
func (r repo) only(names []string) (string, error) {
	switch len(names) {
	case 0:
		return "", fmt.Errorf("%w: the repository %s holds no .gguf file; look for one with GGUF in its name", ErrRef, r.id())
	case 1:
		return names[0], nil
	}
	slices.Sort(names)
	base := strings.TrimSuffix(r.ref, ":")
	return "", fmt.Errorf("%w: %s has several models; name one, as in %s:%s\n  %s", ErrRef, r.id(), base, names[0], strings.Join(names, "\n  "))
}

func (r repo) header() http.Header {
	h := http.Header{}
	if token := hubToken(); token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

func (r repo) download(ctx context.Context, dir string, o Options) (Model, error) {
	client := o.client()
	commit, names, err := r.list(ctx, client)
	if err != nil {
		return Model{}, err
	}
	file := r.file
	if file == "" {
		if file, err = r.only(names); err != nil {
			return Model{}, err
		}
	} else if !slices.Contains(names, file) {
		slices.Sort(names)
		return Model{}, fmt.Errorf("%w: %s has no file %s; it has: %s", ErrRef, r.id(), file, strings.Join(names, ", "))
	}
	address := hubEndpoint() + "/" + r.id() + "/resolve/" + commit + "/" + escapePath(file)
	blob, err := r.head(ctx, client, address)
	if err != nil {
		return Model{}, err
	}
	target := filepath.Join(dir, "blobs", blob.etag)
	request := fetch.Request{URL: address, Header: r.header(), Path: target, Size: blob.size, Name: filepath.Base(file)}
	if digestForm.MatchString(blob.etag) {
		request.Sum = fetch.SHA256(blob.etag)
	}
	if err := client.Get(ctx, request); err != nil {
		return Model{}, err
	}
	path := filepath.Join(dir, "snapshots", commit, filepath.FromSlash(file))
	if err := link(target, path); err != nil {
		return Model{}, err
	}
	if r.revision != commit {
		if err := writeRef(filepath.Join(dir, "refs", filepath.FromSlash(r.revision)), commit); err != nil {
			return Model{}, err
		}
	}
	return hubModel(r.ref, path)
}

func escapePath(p string) string { return (&url.URL{Path: p}).EscapedPath() }

// list asks the hub for the revision's commit and its GGUF files.
func (r repo) list(ctx context.Context, client *fetch.Client) (commit string, names []string, err error) {
	address := hubEndpoint() + "/api/models/" + r.id() + "/revision/" + url.PathEscape(r.revision)
	body, _, err := client.Document(ctx, address, r.header(), maxListing)
	if err != nil {
		return "", nil, err
	}
	var listing struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(body, &listing); err != nil || !commitForm.MatchString(listing.SHA) {
		return "", nil, fmt.Errorf("%s does not answer as a Hugging Face hub does: check HF_ENDPOINT", fetch.Redact(address))
	}
	for _, s := range listing.Siblings {
		if isGGUF(s.Name) && safeFile(s.Name) {
			names = append(names, s.Name)
		}
	}
	return listing.SHA, names, nil
}

type hubBlob struct {
	etag string
	size int64
}

// head asks what a file is, before the hub sends us to where it lies: the
// linked headers speak of the file itself.
func (r repo) head(ctx context.Context, client *fetch.Client, address string) (hubBlob, error) {
	for range 5 {
		response, err := client.Head(ctx, address, r.header())
		if err != nil {
			return hubBlob{}, err
		}
		tag := response.Header.Get("X-Linked-Etag")
		size := response.Header.Get("X-Linked-Size")
		if tag == "" && response.StatusCode >= 300 {
			// A renamed repository: followed within the hub only, with the token.
			next, err := url.Parse(response.Header.Get("Location"))
			if err == nil && !next.IsAbs() && next.Host == "" && next.Path != "" {
				address = hubEndpoint() + next.RequestURI()
				continue
			}
		}
		if tag == "" {
			tag, size = response.Header.Get("ETag"), response.Header.Get("Content-Length")
		}
		tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
		if !etagForm.MatchString(tag) {
			return hubBlob{}, fmt.Errorf("%s does not say what the file hashes to (ETag %q): check HF_ENDPOINT", fetch.Redact(address), tag)
		}
		bytes, err := strconv.ParseInt(size, 10, 64)
		if err != nil || bytes < 0 {
			bytes = 0
		}
		return hubBlob{tag, bytes}, nil
	}
	return hubBlob{}, fmt.Errorf("%s redirects in circles", fetch.Redact(address))
}

// link makes a snapshot's entry, relative so that the cache can be moved.
// Where links are not allowed, the file itself is put there.
func link(blob, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		if old, err := os.Readlink(path); err == nil && old == to {
			return nil
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := os.Symlink(to, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return os.Rename(blob, path)
	}
	return nil
}

func writeRef(path, commit string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(commit), 0o644)
}

func (r repo) byHand() string {
	file := r.file
	if file == "" {
		file = "FILE.gguf"
	}
	return fmt.Sprintf("Without a network here: download %s/%s/resolve/%s/%s elsewhere and name the file by its path", fetch.Redact(hubEndpoint()), r.id(), r.revision, file)
}

// explain says what the hub's refusals mean.
func (r repo) explain(err error) error {
	var status *fetch.StatusError
	page := fetch.Redact(hubEndpoint()) + "/" + r.id()
	if !errors.As(err, &status) {
		if errors.Is(err, ErrRef) {
			return err
		}
		return fmt.Errorf("%w\n  %s", err, r.byHand())
	}
	code := status.Header.Get("X-Error-Code")
	switch {
	case code == "GatedRepo":
		return fmt.Errorf("%w\n  The repository is gated: accept its terms at %s, then set HF_TOKEN to a token of that account", err, page)
	case status.Code == http.StatusUnauthorized:
		return fmt.Errorf("%w\n  There is no such repository, or it is private: check %s, and set HF_TOKEN to a token that may read it", err, page)
	case status.Code == http.StatusForbidden:
		return fmt.Errorf("%w\n  The token in HF_TOKEN may not read it: accept the terms at %s, or give the token the right to read", err, page)
	case code == "RevisionNotFound":
		return fmt.Errorf("%w\n  The repository has no revision %q: see %s", err, r.revision, page)
	case status.Code == http.StatusNotFound:
		return fmt.Errorf("%w\n  There is no such repository or revision: check %s", err, page)
	}
	return fmt.Errorf("%w\n  %s", err, r.byHand())
}
