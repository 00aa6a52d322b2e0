// Package maven gets jars from Maven Central, or from a mirror of it, into the
// cache. It knows no dependencies: who needs several jars names them all.
package maven

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/internal/cachedir"
	"github.com/firesteel/firesteel/internal/fetch"
)

// Central is Maven Central; MAVEN_REPOSITORY names a mirror.
const Central = "https://repo1.maven.org/maven2"

// Repository is where jars come from.
type Repository struct {
	URL    string // root; empty for MAVEN_REPOSITORY, else Central
	Client *fetch.Client
}

var artifactForm = regexp.MustCompile(`^([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*):([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*):([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)$`)

// sums are the checksum files that a repository may have beside a jar, the
// strongest first. Central had only SHA-1 for a long time.
var sums = []string{"sha512", "sha256", "sha1"}

var sumForm = regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})\b`)

// Jar gives the path of an artifact's jar in the cache, and downloads it if it
// is not there. The artifact is written GROUP:NAME:VERSION, as spark-submit's
// --packages has it. The error says where a person can put the jar by hand.
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
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	address := fmt.Sprintf("%s/%s/%s/%s/%s", r.root(), strings.ReplaceAll(m[1], ".", "/"), m[2], m[3], name)
	sum, err := r.sum(ctx, address)
	if err != nil {
		return "", fmt.Errorf("%w\n  Without a network here: download %s elsewhere and put it at %s", err, fetch.Redact(address), path)
	}
	return path, r.client().Get(ctx, fetch.Request{URL: address, Path: path, Sum: sum})
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

// sum reads the best checksum that lies beside a file.
func (r Repository) sum(ctx context.Context, address string) (fetch.Sum, error) {
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
