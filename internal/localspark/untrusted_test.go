//go:build unix

package localspark

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// A Spark or a jar that another user put into a shared cache is not run, nor is an
// installation that has changed.
func TestUntrustedSpark(t *testing.T) {
	body := spark4(t)
	for name, c := range map[string]struct {
		plant func(cache string) error
		want  string
	}{
		"a complete Spark": {func(cache string) error {
			otheruser.Run(t, `mkdir -p "$1/spark/4.9.0/jars" && echo evil >"$1/spark/4.9.0/jars/spark-core_2.13-4.9.0.jar"`, cache)
			return nil
		}, "is not trusted"},
		"an archive of another user": {func(cache string) error {
			otheruser.Run(t, `mkdir "$1/downloads" && echo evil >"$1/downloads/pyspark-4.9.0.tar.gz"`, cache)
			return nil
		}, "is not trusted"},
		"an additional jar": {func(cache string) error {
			return os.WriteFile(cache+"/spark/4.9.0/jars/aaa.jar", []byte("evil"), 0o600)
		}, "jars/aaa.jar has been added"},
		"a changed jar": {func(cache string) error {
			return os.WriteFile(cache+"/spark/4.9.0/jars/spark-core_2.13-4.9.0.jar", []byte("evil"), 0o600)
		}, "spark-core_2.13-4.9.0.jar has been changed"},
		"a folder that all users can write": {func(cache string) error { return os.Chmod(cache+"/spark/4.9.0/jars", 0o777) }, "is not trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			o := isolate(t, &registry{files: map[string][]byte{"/f/pyspark-4.9.0.tar.gz": body}})
			cache := os.Getenv("FIRESTEEL_CACHE")
			if strings.HasPrefix(name, "a complete") || strings.HasPrefix(name, "an archive") {
				cache = otheruser.Dir(t)
				t.Setenv("FIRESTEEL_CACHE", cache)
			} else if _, err := Install(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if err := c.plant(cache); err != nil {
				t.Fatal(err)
			}
			d, err := Install(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; want %q", d, err, c.want)
			}
		})
	}
}

// For a version with a known digest, neither an index nor a user can supply
// another file.
func TestKnownDigests(t *testing.T) {
	body := spark4(t)
	archives["4.9.0"] = strings.Repeat("0", 64)
	defer delete(archives, "4.9.0")
	o := isolate(t, &registry{files: map[string][]byte{"/f/pyspark-4.9.0.tar.gz": body}})
	if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "wrong content") {
		t.Errorf("from the index: %v", err)
	}
	path := filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "downloads", "pyspark-4.9.0.tar.gz")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "remove it to download it again") {
		t.Errorf("copied by the user: %v", err)
	}
}

// The Connect server's jar is compared with its known digest, or with the digest
// of the download.
func TestChangedConnectJar(t *testing.T) {
	const path = "/maven/org/apache/spark/spark-connect_2.12/3.5.99/spark-connect_2.12-3.5.99.jar"
	const artifact = "org.apache.spark:spark-connect_2.12:3.5.99"
	jar := []byte("the server")
	old := archive(t, "pyspark-3.5.99/deps/jars/spark-core_2.12-3.5.99.jar")
	o := isolate(t, &registry{files: map[string][]byte{"/f/pyspark-3.5.99.tar.gz": old, path: jar}}) // without a checksum file
	o.Version = "3.5.99"
	connectJars[artifact] = fmt.Sprintf("%x", sha512.Sum512(jar))
	defer delete(connectJars, artifact)
	d, err := Install(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, noted := range []bool{true, false} {
		if !noted { // like a jar that a user copied
			if err := os.Remove(d.Connect + ".sha256"); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(d.Connect, []byte("the SERVER"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "remove it to download it again") {
			t.Errorf("changed jar, with a stored digest %v: %v", noted, err)
		}
	}
	if err := errors.Join(os.Remove(d.Connect), os.Chmod(filepath.Dir(d.Connect), 0o777)); err != nil {
		t.Fatal(err)
	}
	var untrusted *privatefile.UntrustedError
	if _, err := Install(t.Context(), o); !errors.As(err, &untrusted) {
		t.Errorf("a directory that all users can write: %v", err)
	}
}
