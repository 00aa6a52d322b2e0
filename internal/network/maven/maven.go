// Package maven downloads jars from Maven Central, or from a mirror, into the
// cache. It does not resolve dependencies.
package maven

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// Central is the URL of Maven Central. MAVEN_REPOSITORY sets a mirror.
const Central = "https://repo1.maven.org/maven2"

// Repository is a Maven repository.
type Repository struct {
	URL    string // root; empty for MAVEN_REPOSITORY or Central
	Client *fetch.Client
	// SHA512 holds pinned digests by artifact. They take precedence over the
	// checksums of the repository.
	SHA512 map[string]string
}

var artifactForm = regexp.MustCompile(`^([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*):([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*):([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)$`)

// sums are the suffixes of the checksum files that a repository may have for a
// jar, the strongest first. Older jars in Central have SHA-1 only.
var sums = []string{"sha512", "sha256", "sha1"}

var sumForm = regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})\b`)

// Jar returns the path of an artifact's jar in the cache and downloads it if it
// is missing. The artifact has the form GROUP:NAME:VERSION. A jar in the cache is
// verified against its digest, which is stored in the same folder. The error
// says where to put a jar that was downloaded by hand.
func (r Repository) Jar(ctx context.Context, artifact string) (string, error) {
	path, err := Path(artifact)
	if err != nil {
		return "", err
	}
	m := artifactForm.FindStringSubmatch(artifact)
	if err := privatefile.MakeDir(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("folder for jars: %w; set FIRESTEEL_CACHE to another folder", err)
	}
	if _, err := os.Stat(path); err == nil {
		if err := r.check(ctx, artifact, path); err != nil {
			return "", fmt.Errorf("the jar %s: %w; remove it to download it again", path, err)
		}
		return path, nil
	}
	address := fmt.Sprintf("%s/%s/%s/%s/%s", r.root(), strings.ReplaceAll(m[1], ".", "/"), m[2], m[3], filepath.Base(path))
	sum, err := r.sum(ctx, artifact, address)
	if err != nil {
		return "", fmt.Errorf("%w\n  Without a network: download %s elsewhere and put it at %s", err, fetch.Redact(address), path)
	}
	if err := r.client().Get(ctx, fetch.Request{URL: address, Path: path, Sum: sum}); err != nil {
		return "", err
	}
	return path, writeDigest(ctx, path)
}

// Path returns the path of an artifact's jar in the cache.
func Path(artifact string) (string, error) {
	m := artifactForm.FindStringSubmatch(artifact)
	if m == nil {
		return "", fmt.Errorf("%q is not a Maven artifact; write GROUP:NAME:VERSION", artifact)
	}
	cache, err := cachedir.Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "jars", m[2]+"-"+m[3]+".jar"), nil
}

// Remove deletes an artifact's jar from the cache.
func Remove(artifact string) error {
	path, err := Path(artifact)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(path), os.Remove(digestFile(path)))
}

// digestFile returns the path of the file that holds the digest of a jar.
func digestFile(path string) string { return path + ".sha256" }

func writeDigest(ctx context.Context, path string) error {
	sum, err := digest.File(ctx, path)
	if err != nil {
		return err
	}
	return privatefile.Replace(digestFile(path), []byte(sum))
}

// check verifies a jar against its stored digest. A jar without a stored digest,
// which a user put there, is verified against a pinned digest if there is one,
// and its digest is stored.
func (r Repository) check(ctx context.Context, artifact, path string) error {
	sum, err := privatefile.ReadFile(digestFile(path), 1024)
	if err == nil {
		return fetch.SHA256(strings.TrimSpace(string(sum))).File(ctx, path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if known := r.SHA512[artifact]; known != "" {
		if err := (fetch.Sum{Algorithm: "sha512", Hex: known}).File(ctx, path); err != nil {
			return err
		}
	}
	return writeDigest(ctx, path)
}

func (r Repository) client() *fetch.Client {
	if r.Client == nil {
		return &fetch.Client{}
	}
	return r.Client
}

func (r Repository) root() string {
	root := r.URL
	if root == "" {
		root = os.Getenv("MAVEN_REPOSITORY")
	}
	if root == "" {
		root = Central
	}
	return strings.TrimRight(root, "/")
}

// sum returns the pinned digest of an artifact, or the strongest checksum of the
// repository.
func (r Repository) sum(ctx context.Context, artifact, address string) (fetch.Sum, error) {
	if known := r.SHA512[artifact]; known != "" {
		return fetch.Sum{Algorithm: "sha512", Hex: known}, nil
	}
	var last error
	for _, algorithm := range sums {
		text, _, err := r.client().Document(ctx, address+"."+algorithm, nil, 4096)
		if err != nil {
			if fetch.Status(err) == http.StatusNotFound {
				last = err
				continue
			}
			return fetch.Sum{}, err
		}
		want := map[string]int{"sha512": 128, "sha256": 64, "sha1": 40}[algorithm]
		if hex := sumForm.FindString(strings.TrimSpace(string(text))); len(hex) == want {
			return fetch.Sum{Algorithm: algorithm, Hex: hex}, nil
		}
		return fetch.Sum{}, fmt.Errorf("%s is not a checksum", fetch.Redact(address+"."+algorithm))
	}
	return fetch.Sum{}, last
}
