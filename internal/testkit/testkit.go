// Package testkit gives tests what lies outside of the source tree: real Spark
// servers, the real default model, and files of test data. Where one of them
// is not there the test is skipped, with a line that says how to bring it.
package testkit

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights"
)

// The environment variables that tests look at.
const (
	// IntegrationEnv, if set, has tests use real Spark servers and the real
	// model, and download them if need be.
	IntegrationEnv = "FIRESTEEL_INTEGRATION"
	// SparkVersionEnv is the Spark of tests that need just one.
	SparkVersionEnv = "FIRESTEEL_SPARK_VERSION"
	// SharedEnv is the folder of test data that is not part of the project;
	// default: "shared" beside the project's folder.
	SharedEnv = "FIRESTEEL_SHARED"
)

// Integration skips a test that needs what is only got when asked for.
func Integration(t testing.TB) {
	t.Helper()
	if os.Getenv(IntegrationEnv) == "" {
		t.Skipf("%s=1 runs it: it downloads and starts real programs", IntegrationEnv)
	}
}

// SparkVersion is the Spark to test with where one is enough.
func SparkVersion() string {
	if v := os.Getenv(SparkVersionEnv); v != "" {
		return v
	}
	return localspark.DefaultVersion
}

// Spark starts a Spark Connect server for one test, or skips it.
func Spark(t testing.TB, o localspark.Options) *localspark.Server {
	t.Helper()
	Integration(t)
	if o.Version == "" {
		o.Version = SparkVersion()
	}
	if o.Master == "" {
		o.Master = "local[2]"
	}
	o.Progress = fetch.NewProgress(os.Stderr)
	s, err := localspark.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var shared struct {
	sync.Mutex
	server *localspark.Server
	err    error
}

// SharedSpark gives the URL, which ends in the token, of one server of SparkVersion for all tests of a
// package, whose TestMain calls StopShared at its end.
func SharedSpark(t testing.TB) string {
	t.Helper()
	Integration(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = localspark.Start(context.Background(), localspark.Options{
			Version: SparkVersion(), Master: "local[2]", Progress: fetch.NewProgress(os.Stderr),
		})
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server.URL()
}

// Address is the host and port of a connection string.
func Address(url string) string {
	address, _, _ := strings.Cut(strings.TrimPrefix(url, "sc://"), "/")
	return address
}

// Through is a connection string to another address, such as that of a proxy.
func Through(url, address string) string {
	return strings.Replace(url, Address(url), address, 1)
}

// StopShared stops the server of SharedSpark, if there is one.
func StopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return nil
	}
	return shared.server.Stop()
}

// Model is the path of the default model's GGUF file.
func Model(t testing.TB) string {
	t.Helper()
	Integration(t)
	m, err := weights.Resolve(t.Context(), weights.Default, weights.Options{Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	return m.Path
}

// Data is the path of a file in the folder of test data outside the project,
// such as "data/uci-sentiment/amazon_cells_labelled.txt".
func Data(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv(SharedEnv)
	if root == "" {
		root = filepath.Join(projectRoot(t), "..", "shared")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there (%s names the folder of test data)", name, SharedEnv)
	}
	return path
}

// projectRoot is the folder of go.mod.
func projectRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
