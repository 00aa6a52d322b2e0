package weights

import (
	"context"
	"crypto/sha1" // git's names of files
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/secret"
)

// maxListing bounds the hub's description of a repository.
const maxListing = 32 << 20

// getter downloads files of one repository into the cache.
type getter struct {
	repo
	client *fetch.Client
	dir    string // the repository's in the cache
	commit string // of the revision; set by list
}

func (g *getter) snapshot() string { return filepath.Join(g.dir, "snapshots", g.commit) }

func (r repo) header() http.Header {
	h := http.Header{}
	if token := hubToken(); token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

// list asks the hub for the revision's commit and its files.
func (g *getter) list(ctx context.Context) (names []string, err error) {
	address := hubEndpoint() + "/api/models/" + g.id() + "/revision/" + url.PathEscape(g.revision)
	body, _, err := g.client.Document(ctx, address, g.header(), maxListing)
	if err != nil {
		return nil, err
	}
	var listing struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(body, &listing); err != nil || !commitForm.MatchString(listing.SHA) {
		return nil, fmt.Errorf("%s does not answer as a Hugging Face hub does: check HF_ENDPOINT", fetch.Redact(address))
	}
	for _, s := range listing.Siblings {
		if safeFile(s.Name) {
			names = append(names, s.Name)
		}
	}
	g.commit = listing.SHA
	return names, nil
}

// get downloads files, by their names in the repository, in that order, and
// makes their entries in the snapshot. What is here is not downloaded again.
func (g *getter) get(ctx context.Context, files []string) error {
	blobs := make([]hubBlob, len(files))
	var total, missing int64
	for i, file := range files {
		var err error
		if blobs[i], err = g.head(ctx, g.address(file)); err != nil {
			return err
		}
		total += blobs[i].size
		if !exists(g.blob(blobs[i])) {
			missing += blobs[i].size
		}
	}
	if err := privatefile.MakeDir(filepath.Join(g.dir, "blobs")); err != nil {
		return err
	}
	if err := fetch.CheckSpace(g.dir, missing); err != nil {
		return err
	}
	client := *g.client
	if len(files) > 1 && client.Progress != nil {
		t := &together{client.Progress, fmt.Sprintf("%s (%d files)", g.id(), len(files)), 0, total}
		defer t.Progress.End(t.name)
		client.Progress = t
	}
	for i, file := range files {
		if err := g.one(ctx, &client, file, blobs[i]); err != nil {
			return err
		}
		if t, ok := client.Progress.(*together); ok {
			t.before += blobs[i].size
		}
	}
	return nil
}

// together reports several downloads, one after the other, as one.
type together struct {
	fetch.Progress
	name          string
	before, total int64
}

func (t *together) Step(_ string, done, _ int64) { t.Progress.Step(t.name, t.before+done, t.total) }
func (t *together) End(string)                   {}

func (g *getter) address(file string) string {
	return hubEndpoint() + "/" + g.id() + "/resolve/" + g.commit + "/" + (&url.URL{Path: file}).EscapedPath()
}

func (g *getter) blob(b hubBlob) string { return filepath.Join(g.dir, "blobs", b.etag) }

func (g *getter) one(ctx context.Context, client *fetch.Client, file string, blob hubBlob) error {
	target := g.blob(blob)
	request := fetch.Request{URL: g.address(file), Header: g.header(), Path: target, Size: blob.size, Name: path.Base(file)}
	if digestForm.MatchString(blob.etag) {
		request.Sum = fetch.SHA256(blob.etag)
	}
	if err := client.Get(ctx, request); err != nil {
		return err
	}
	if err := checkGitBlob(target, blob.etag); err != nil {
		err = errors.Join(err, os.Remove(target))
		return fmt.Errorf("%s: %w", fetch.Redact(request.URL), err)
	}
	return link(target, filepath.Join(g.snapshot(), filepath.FromSlash(file)))
}

// checkGitBlob verifies a file that lies in git itself, by git's name for it:
// the SHA-1 of the content behind "blob SIZE" and a zero byte.
func checkGitBlob(path, etag string) error {
	if !commitForm.MatchString(etag) {
		return nil
	}
	text, err := regularfile.ReadFile(path, maxJSON) // larger files are not in git
	if err != nil {
		return err
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00%s", len(text), text)
	if got := hex.EncodeToString(h.Sum(nil)); got != etag {
		return &fetch.SumError{Algorithm: "git's sha1", Want: etag, Got: got}
	}
	return nil
}

type hubBlob struct {
	etag string
	size int64
}

// head asks what a file is, before the hub sends us to where it lies: the
// linked headers speak of the file itself.
func (g *getter) head(ctx context.Context, address string) (hubBlob, error) {
	for range 5 {
		response, err := g.client.Head(ctx, address, g.header())
		if err != nil {
			return hubBlob{}, err
		}
		tag := response.Header.Get("X-Linked-Etag")
		size := response.Header.Get("X-Linked-Size")
		if tag == "" && response.StatusCode >= 300 {
			// A renamed repository: followed within the hub only, with the token.
			here, err := url.Parse(address)
			if err != nil {
				return hubBlob{}, fmt.Errorf("%s is no address: check HF_ENDPOINT", fetch.Redact(address))
			}
			if next, err := here.Parse(response.Header.Get("Location")); err == nil && *next != *here && egress.SameOrigin(here, next) {
				next.User = here.User
				address = next.String()
				continue
			}
		}
		if tag == "" {
			tag, size = response.Header.Get("ETag"), response.Header.Get("Content-Length")
		}
		tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
		// It becomes a file's name, so it must not be the token sent back.
		if !etagForm.MatchString(tag) || secret.Hide(tag) != tag {
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
	if err := privatefile.MakeDir(filepath.Dir(path)); err != nil {
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
	if err := privatefile.MakeDir(filepath.Dir(path)); err != nil {
		return err
	}
	return privatefile.Replace(path, []byte(commit))
}
