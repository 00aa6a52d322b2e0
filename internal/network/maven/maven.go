// Package maven gets jars from Maven Central, or from a mirror of it, into the
// cache. It knows no dependencies: who needs several jars names them all.
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

// Central is Maven Central; MAVEN_REPOSITORY names a mirror.
const Central = "https://repo1.maven.org/maven2"

// Repository is where jars come from.
type Repository struct {
	URL    string // root; empty for MAVEN_REPOSITORY, else Central
	Client *fetch.Client
	// SHA512 holds, by artifact, digests that are known whatever the repository
	// says of them.
	SHA512 map[string]string
}

var artifactForm = regexp.MustCompile(`^([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*):([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*):([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)$`)

// sums are the checksum files that a repository may have beside a jar, the
// strongest first. Central had only SHA-1 for a long time.
var sums = []string{"sha512", "sha256", "sha1"}

var sumForm = regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})\b`)

// Jar gives the path of an artifact's jar in the cache, and downloads it if it
// is not there. The artifact is written GROUP:NAME:VERSION, as spark-submit's
// --packages has it. What is there is compared with what it was when it came;
// the digest lies beside it. The error says where a person can put the jar by
// hand.
func (r Repository) Jar(ctx context.Context, artifact string) (string, error) {
	m := artifactForm.FindStringSubmatch(artifact)
	if m == nil {
		return "", fmt.Errorf("%q is no artifact of Maven; write it as GROUP:NAME:VERSION", artifact)
	}
	name := m[2] + "-" + m[3] + ".jar"
	cache, err := cachedir.Dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "jars", name)
	if err := privatefile.MakeDir(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("folder for jars: %w; FIRESTEEL_CACHE names another", err)
	}
	if _, err := os.Stat(path); err == nil {
		if err := r.check(ctx, artifact, path); err != nil {
			return "", fmt.Errorf("the jar %s: %w; remove it to have it downloaded again", path, err)
		}
		return path, nil
	}
	address := fmt.Sprintf("%s/%s/%s/%s/%s", r.root(), strings.ReplaceAll(m[1], ".", "/"), m[2], m[3], name)
	sum, err := r.sum(ctx, artifact, address)
	if err != nil {
		return "", fmt.Errorf("%w\n  Without a network here: download %s elsewhere and put it at %s", err, fetch.Redact(address), path)
	}
	if err := r.client().Get(ctx, fetch.Request{URL: address, Path: path, Sum: sum}); err != nil {
		return "", err
	}
	return path, note(ctx, path)
}

// noted is where the digest of a jar lies.
func noted(path string) string { return path + ".sha256" }

func note(ctx context.Context, path string) error {
	sum, err := digest.File(ctx, path)
	if err != nil {
		return err
	}
	return privatefile.Replace(noted(path), []byte(sum))
}

// check compares a jar with what is known of it. One that a person has put
// there, and of which nothing is known, is noted as it is.
func (r Repository) check(ctx context.Context, artifact, path string) error {
	sum, err := privatefile.ReadFile(noted(path), 1024)
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
	return note(ctx, path)
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

// sum is an artifact's known digest, or the best that lies beside the file.
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
		return fetch.Sum{}, fmt.Errorf("%s is no checksum", fetch.Redact(address+"."+algorithm))
	}
	return fetch.Sum{}, last
}
