package localspark

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

// DefaultMaven is Maven Central; MAVEN_REPOSITORY or Options.Maven name a mirror.
const DefaultMaven = "https://repo1.maven.org/maven2"

// sums are the checksum files that a Maven repository may have beside a jar,
// the strongest first. Central had only SHA-1 for a long time.
var sums = []string{"sha512", "sha256", "sha1"}

var sumForm = regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})\b`)

// addConnect makes sure that the Connect server is there. Its jar is whole: it
// carries gRPC and protobuf under names of its own.
func (d *Distribution) addConnect(ctx context.Context, o Options) error {
	if d.Home != "" {
		inside, err := filepath.Glob(filepath.Join(d.Home, "jars", "spark-connect_*.jar"))
		if err != nil || len(inside) > 0 {
			return err
		}
	}
	cache, err := cachedir.Dir()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("spark-connect_%s-%s.jar", d.Scala, d.Version)
	path := filepath.Join(cache, "jars", name)
	if _, err := os.Stat(path); err == nil {
		d.Connect = path
		return nil
	}
	root := o.Maven
	if root == "" {
		root = os.Getenv("MAVEN_REPOSITORY")
	}
	if root == "" {
		root = DefaultMaven
	}
	address := fmt.Sprintf("%s/org/apache/spark/spark-connect_%s/%s/%s", strings.TrimRight(root, "/"), d.Scala, d.Version, name)
	sum, err := mavenSum(ctx, o.client(), address)
	if err != nil {
		return fmt.Errorf("Spark %s carries no Connect server, and its jar cannot be had: %w\n  Without a network here: download %s elsewhere and put it at %s", d.Version, err, fetch.Redact(address), path)
	}
	if err := o.client().Get(ctx, fetch.Request{URL: address, Path: path, Sum: sum}); err != nil {
		return err
	}
	d.Connect = path
	return nil
}

// mavenSum reads the best checksum that lies beside a file.
func mavenSum(ctx context.Context, c *fetch.Client, address string) (fetch.Sum, error) {
	var last error
	for _, algorithm := range sums {
		text, _, err := c.Document(ctx, address+"."+algorithm, nil, 4096)
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
