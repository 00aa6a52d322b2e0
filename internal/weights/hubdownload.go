package weights

import (
	"context"
	"crypto/sha1" // for git object names
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

// maxListing limits the size of the hub's description of a repository, in bytes.
const maxListing = 32 << 20

// downloader downloads files of one repository into the cache.
type downloader struct {
	repo
	client *fetch.Client
	dir    string // of the repository in the cache
	commit string // of the revision; set by list
}

func (d *downloader) snapshot() string { return filepath.Join(d.dir, "snapshots", d.commit) }

// header returns the HTTP headers of a request to the hub.
func (r repo) header() http.Header {
	h := http.Header{}
	if token := hubToken(); token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

// list returns the files of the revision, and sets d.commit.
func (d *downloader) list(ctx context.Context) (names []string, err error) {
	address := hubEndpoint() + "/api/models/" + d.id() + "/revision/" + url.PathEscape(d.revision)
	body, _, err := d.client.Document(ctx, address, d.header(), maxListing)
	if err != nil {
		return nil, err
	}
	var listing struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(body, &listing); err != nil || !commitPattern.MatchString(listing.SHA) {
		return nil, fmt.Errorf("the answer of %s is not that of a Hugging Face hub: check HF_ENDPOINT", fetch.Redact(address))
	}
	for _, s := range listing.Siblings {
		if safeFile(s.Name) {
			names = append(names, s.Name)
		}
	}
	d.commit = listing.SHA
	return names, nil
}

// get downloads files, in order, and adds them to the snapshot. files are paths in the
// repository. Blobs that are in the cache are not downloaded again.
func (d *downloader) get(ctx context.Context, files []string) error {
	blobs := make([]hubBlob, len(files))
	var total, missing int64
	for i, file := range files {
		var err error
		if blobs[i], err = d.head(ctx, d.address(file)); err != nil {
			return err
		}
		total += blobs[i].size
		if !exists(d.blob(blobs[i])) {
			missing += blobs[i].size
		}
	}
	if err := privatefile.MakeDir(filepath.Join(d.dir, "blobs")); err != nil {
		return err
	}
	if err := fetch.CheckSpace(d.dir, missing); err != nil {
		return err
	}
	client := *d.client
	if len(files) > 1 && client.Progress != nil {
		p := &combinedProgress{client.Progress, fmt.Sprintf("%s (%d files)", d.id(), len(files)), 0, total}
		defer p.Progress.End(p.name)
		client.Progress = p
	}
	for i, file := range files {
		if err := d.getFile(ctx, &client, file, blobs[i]); err != nil {
			return err
		}
		if p, ok := client.Progress.(*combinedProgress); ok {
			p.before += blobs[i].size
		}
	}
	return nil
}

// combinedProgress reports consecutive downloads as one.
type combinedProgress struct {
	fetch.Progress
	name          string
	before, total int64 // bytes of the completed downloads, and of all downloads
}

func (p *combinedProgress) Step(_ string, done, _ int64) {
	p.Progress.Step(p.name, p.before+done, p.total)
}
func (p *combinedProgress) End(string) {}

func (d *downloader) address(file string) string {
	return hubEndpoint() + "/" + d.id() + "/resolve/" + d.commit + "/" + (&url.URL{Path: file}).EscapedPath()
}

func (d *downloader) blob(b hubBlob) string { return filepath.Join(d.dir, "blobs", b.etag) }

func (d *downloader) getFile(ctx context.Context, client *fetch.Client, file string, blob hubBlob) error {
	target := d.blob(blob)
	request := fetch.Request{URL: d.address(file), Header: d.header(), Path: target, Size: blob.size, Name: path.Base(file)}
	if sha256Pattern.MatchString(blob.etag) {
		request.Sum = fetch.SHA256(blob.etag)
	}
	if err := client.Get(ctx, request); err != nil {
		return err
	}
	if err := checkGitBlob(target, blob.etag); err != nil {
		err = errors.Join(err, os.Remove(target))
		return fmt.Errorf("%s: %w", fetch.Redact(request.URL), err)
	}
	return link(target, filepath.Join(d.snapshot(), filepath.FromSlash(file)))
}

// checkGitBlob verifies the content of a file against its ETag, if that is a git object name:
// the SHA-1 of "blob SIZE", a zero byte and the content. Small files have such ETags.
func checkGitBlob(path, etag string) error {
	if !commitPattern.MatchString(etag) {
		return nil
	}
	text, err := regularfile.ReadFile(path, maxJSON) // the hub stores larger files outside of git
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

// hubBlob is the identity of a file's content.
type hubBlob struct {
	etag string
	size int64
}

// head requests the ETag and the size of a file. The hub redirects large files to a store; the
// headers X-Linked-* of that redirect describe the file.
func (d *downloader) head(ctx context.Context, address string) (hubBlob, error) {
	for range 5 {
		response, err := d.client.Head(ctx, address, d.header())
		if err != nil {
			return hubBlob{}, err
		}
		tag := response.Header.Get("X-Linked-Etag")
		size := response.Header.Get("X-Linked-Size")
		if tag == "" && response.StatusCode >= 300 {
			// The repository was renamed. The request carries the token, so follow the
			// redirect within the hub only.
			here, err := url.Parse(address)
			if err != nil {
				return hubBlob{}, fmt.Errorf("%s is not a valid URL: check HF_ENDPOINT", fetch.Redact(address))
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
		// The ETag becomes a file name, so it must not contain the token.
		if !etagPattern.MatchString(tag) || secret.Hide(tag) != tag {
			return hubBlob{}, fmt.Errorf("%s sent no valid ETag (%q): check HF_ENDPOINT", fetch.Redact(address), tag)
		}
		bytes, err := strconv.ParseInt(size, 10, 64)
		if err != nil || bytes < 0 {
			bytes = 0
		}
		return hubBlob{tag, bytes}, nil
	}
	return hubBlob{}, fmt.Errorf("%s: too many redirects", fetch.Redact(address))
}

// link adds a blob to a snapshot as a relative link, so that the cache can be moved. If the
// file system does not allow links, it moves the blob to path.
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
