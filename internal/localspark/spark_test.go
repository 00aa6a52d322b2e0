package localspark

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/extract"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// archive creates a pyspark archive of files. The content of a file is its name.
func archive(t *testing.T, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(name)), Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func spark4(t *testing.T) []byte {
	return archive(t, "pyspark-4.9.0/LICENSE", "pyspark-4.9.0/deps/bin/spark-submit", "pyspark-4.9.0/deps/jars/spark-core_2.13-4.9.0.jar",
		"pyspark-4.9.0/deps/jars/spark-connect_2.13-4.9.0.jar", "pyspark-4.9.0/deps/jars/connect-repl/shell.jar", "pyspark-4.9.0/deps/data/x.txt",
		"pyspark-4.9.0/pyspark/worker.py", "pyspark-4.9.0/deps/examples/pi.py")
}

// registry is a package index and a Maven repository.
type registry struct {
	files    map[string][]byte
	sum      string // SHA-256 in the index for every file; "" for the right one
	requests atomic.Int64
}

func (g *registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.requests.Add(1)
	if r.URL.Path == "/simple/pyspark/" {
		for path, body := range g.files {
			sum := g.sum
			if sum == "" {
				sum = fmt.Sprintf("%x", sha256.Sum256(body))
			}
			fmt.Fprintf(w, "<html><a href=%q>%s</a>", path+"#sha256="+sum, filepath.Base(path))
		}
		return
	}
	if body, ok := g.files[r.URL.Path]; ok {
		w.Write(body)
		return
	}
	http.NotFound(w, r)
}

// isolate gives the test its own cache, temporary folder and registry.
func isolate(t *testing.T, g *registry) Options {
	t.Helper()
	root := t.TempDir()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	t.Setenv("TMPDIR", filepath.Join(root, "tmp"))
	if err := os.Mkdir(filepath.Join(root, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_INDEX_URL", server.URL+"/simple")
	t.Setenv("MAVEN_REPOSITORY", server.URL+"/maven")
	javaHome(t, "17", "exit 1")
	return Options{Version: "4.9.0", Client: &fetch.Client{Tries: 2, Backoff: time.Millisecond}}
}

func TestInstall(t *testing.T) {
	g := &registry{files: map[string][]byte{"/f/pyspark-4.9.0.tar.gz": spark4(t)}}
	o := isolate(t, g)
	cache := os.Getenv("FIRESTEEL_CACHE")
	d, err := Install(t.Context(), o)
	if want := (Distribution{Home: filepath.Join(cache, "spark", "4.9.0"), Version: "4.9.0", Scala: "2.13"}); err != nil || d != want {
		t.Fatalf("%+v, %v; expected %+v", d, err, want)
	}
	var found []string
	filepath.Walk(d.Home, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			name, _ := filepath.Rel(d.Home, path)
			found = append(found, name)
		}
		return err
	})
	want := ".sealed.json LICENSE bin/spark-submit jars/spark-connect_2.13-4.9.0.jar jars/spark-core_2.13-4.9.0.jar"
	if got := strings.Join(found, " "); got != want {
		t.Errorf("the cache contains %s, expected %s", got, want)
	}
	if info, err := os.Stat(filepath.Join(d.Home, "bin/spark-submit")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("spark-submit is not executable: %v", err)
	}
	before := g.requests.Load()
	if again, err := Install(t.Context(), o); err != nil || again != d || g.requests.Load() != before {
		t.Errorf("second time: %+v, %v, %d requests", again, err, g.requests.Load()-before)
	}
	o.Home, o.Version = d.Home, ""
	if given, err := Install(t.Context(), o); err != nil || given != d {
		t.Errorf("as SPARK_HOME: %+v, %v", given, err)
	}
}

func TestInstallErrors(t *testing.T) {
	good := spark4(t)
	for _, test := range []struct {
		name string
		body []byte
		sum  string
		want string
	}{
		{"wrong checksum", good, strings.Repeat("0", 64), "wrong content"},
		{"no checksum", good, "none", "no SHA-256"},
		{"truncated", good[:len(good)-20], "", extract.ErrCorrupt.Error()},
		{"path outside of the archive", archive(t, "../../pyspark/deps/jars/spark-core_2.13-4.9.0.jar"), "", extract.ErrUnsafe.Error()},
		{"no Spark", archive(t, "pyspark-4.9.0/setup.py"), "", "does not contain Spark"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := isolate(t, &registry{files: map[string][]byte{"/f/pyspark-4.9.0.tar.gz": test.body}, sum: test.sum})
			if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, expected %q", err, test.want)
			}
			if left, _ := filepath.Glob(filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "spark", "*")); len(left) > 0 {
				t.Errorf("the cache contains %v", left)
			}
		})
	}
	o := isolate(t, &registry{files: map[string][]byte{"/f/pyspark-4.9.0.tar.gz": good}})
	for version, want := range map[string]string{"4.8.0": "the index has: 4.9.0", "3.4.1": "too old", "../4": "not a version"} {
		o.Version = version
		if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("version %s: %v", version, err)
		}
	}
	// Nothing is downloaded if this machine's Java cannot run it.
	g := &registry{files: map[string][]byte{"/f/pyspark-4.9.0.tar.gz": good}}
	o = isolate(t, g)
	javaHome(t, "11", "exit 1")
	if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is Java 11") || g.requests.Load() > 0 {
		t.Errorf("an old Java: %v, after %d requests", err, g.requests.Load())
	}
	javaHome(t, "17", "exit 1")
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	path := filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "downloads", "pyspark-4.9.0.tar.gz")
	if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "copy it to "+path) {
		t.Errorf("offline: %v", err)
	}
	// The user follows the advice.
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, good, 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(t.Context(), o); err != nil {
		t.Errorf("with an archive copied by the user: %v", err)
	}
	home := filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "spark", "4.9.0")
	if err := os.RemoveAll(filepath.Join(home, "jars")); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "remove "+home) {
		t.Errorf("damaged after the installation: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(filepath.Dir(file), "spark", "4.9.0.lock") // a folder, which cannot be opened as a lock file
	if err := os.MkdirAll(lock, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FIRESTEEL_CACHE", filepath.Dir(file))
	if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "set FIRESTEEL_CACHE to use another") {
		t.Errorf("a lock that cannot be opened: %v", err)
	}
	t.Setenv("FIRESTEEL_CACHE", file)
	if _, err := Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "set FIRESTEEL_CACHE to use another") {
		t.Errorf("a cache that is a file: %v", err)
	}
}

func TestConnectJar(t *testing.T) {
	jar := []byte("the server")
	const path = "/maven/org/apache/spark/spark-connect_2.12/3.5.99/spark-connect_2.12-3.5.99.jar"
	for sum, want := range map[string]string{fmt.Sprintf("%x", sha1.Sum(jar)): "", "<html>": "getting the Connect server"} {
		old := archive(t, "pyspark-3.5.99/deps/jars/spark-core_2.12-3.5.99.jar")
		o := isolate(t, &registry{files: map[string][]byte{"/f/pyspark-3.5.99.tar.gz": old, path: jar, path + ".sha1": []byte(sum)}})
		o.Version = "3.5.99"
		d, err := Install(t.Context(), o)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, expected %q", err, want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(d.Connect); err != nil || !bytes.Equal(got, jar) {
			t.Errorf("%s: %q, %v", d.Connect, got, err)
		}
	}
}

// javaHome creates a Java of a version whose java runs script.
func javaHome(t *testing.T, version, script string) {
	t.Helper()
	home := t.TempDir()
	java := filepath.Join(home, "bin", "java")
	err := errors.Join(
		os.MkdirAll(filepath.Dir(java), 0o755),
		os.WriteFile(java, []byte("#!/bin/sh\n"+script), 0o755),
		os.WriteFile(filepath.Join(home, "release"), []byte("IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\""+version+"\"\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("JAVA_HOME", home)
}

func TestFindJava(t *testing.T) {
	for _, test := range []struct {
		spark, java, want string
	}{
		{"4.3.0", "17.0.15", ""}, {"4.3.0", "25", ""}, {"4.0.0", "11.0.2", "is Java 11"}, {"4.0.0", "1.8.0_402", "is Java 8"},
		{"3.5.1", "1.8.0_402", ""}, {"3.5.1", "17", ""}, {"3.5.1", "25.0.1", "Java 8, 11 or 17"},
	} {
		javaHome(t, test.java, "exit 1")
		_, err := findJava(t.Context(), test.spark)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "install")) {
			t.Errorf("Spark %s on Java %s: %v", test.spark, test.java, err)
		}
	}
	// Without a release file, java -version gives the version.
	javaHome(t, "17", `echo 'openjdk version "11.0.22" 2024-01-16' >&2`)
	if err := os.Remove(filepath.Join(os.Getenv("JAVA_HOME"), "release")); err != nil {
		t.Fatal(err)
	}
	if _, err := findJava(t.Context(), "4.3.0"); err == nil || !strings.Contains(err.Error(), "is Java 11") {
		t.Errorf("without a release file: %v", err)
	}
	javaHome(t, "17", "sleep 10") // a child of the shell, which survives it
	if err := os.Remove(filepath.Join(os.Getenv("JAVA_HOME"), "release")); err != nil {
		t.Fatal(err)
	}
	defer func(d time.Duration) { javaTimeout = d }(javaTimeout)
	javaTimeout = 100 * time.Millisecond
	if _, err := findJava(t.Context(), "4.3.0"); err == nil || !strings.Contains(err.Error(), "has not ended") {
		t.Errorf("hangs: %v", err)
	}
	t.Setenv("JAVA_HOME", filepath.Join(t.TempDir(), "gone"))
	if _, err := findJava(t.Context(), "4.3.0"); err == nil || !strings.Contains(err.Error(), "JAVA_HOME") {
		t.Errorf("wrong JAVA_HOME: %v", err)
	}
}
