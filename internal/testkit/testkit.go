// Package testkit provides what tests need from outside the source tree: real
// Spark servers, the real default model, and files of test data. If one of them
// is missing, the test is skipped with a message that says how to get it.
package testkit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights"
)

// The environment variables that tests read.
const (
	// IntegrationEnv enables the tests that use real Spark servers and the real
	// model. They are downloaded if they are not in the cache.
	IntegrationEnv = "FIRESTEEL_INTEGRATION"
	// SparkVersionEnv is the Spark version of tests that run on one version only.
	SparkVersionEnv = "FIRESTEEL_SPARK_VERSION"
	// SparksEnv lists servers that run already, as in "4.3.0=sc://... 3.5.1=sc://...".
	// internal/ci sets it, so that all test processes share them.
	SparksEnv = "FIRESTEEL_TEST_SPARKS"
	// SharedEnv is the folder of test data that is not part of the project;
	// default: the folder "shared" in the parent of the project's folder.
	SharedEnv = "FIRESTEEL_SHARED"
)

// Integration skips a test that needs real servers or the real model, unless
// IntegrationEnv is set.
func Integration(t testing.TB) {
	t.Helper()
	if os.Getenv(IntegrationEnv) == "" {
		t.Skipf("the test downloads and starts real programs; %s=1 runs it", IntegrationEnv)
	}
}

// SparkVersion is the Spark version of tests that run on one version only.
func SparkVersion() string {
	if v := os.Getenv(SparkVersionEnv); v != "" {
		return v
	}
	return localspark.DefaultVersion
}

// Spark starts a Spark Connect server for one test, or skips it. A test that
// neither kills its server nor needs settings of its own takes a shared one.
func Spark(t testing.TB, o localspark.Options) *localspark.Server {
	t.Helper()
	Integration(t)
	s, err := localspark.Start(context.Background(), withDefaults(o))
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

// withDefaults completes the options of a test's server.
func withDefaults(o localspark.Options) localspark.Options {
	if o.Version == "" {
		o.Version = SparkVersion()
	}
	if o.Master == "" {
		o.Master = "local[2]"
	}
	o.Conf = maps.Clone(o.Conf)
	if o.Conf == nil {
		o.Conf = map[string]string{}
	}
	// The default of 200 makes each shuffle of a few rows 200 tasks.
	if o.Conf[shufflePartitions] == "" {
		o.Conf[shufflePartitions] = "4"
	}
	o.Progress = fetch.NewProgress(os.Stderr)
	return o
}

const shufflePartitions = "spark.sql.shuffle.partitions"

// SharedOptions are the options of a server that the tests of several packages
// use at the same time.
func SharedOptions(version string) localspark.Options {
	return withDefaults(localspark.Options{Version: version, Master: "local[4]", Conf: map[string]string{"spark.driver.memory": "2g"}})
}

// sharedServer is a server that starts when the first test asks for it.
type sharedServer struct {
	sync.Once
	server *localspark.Server
	err    error
}

var shared struct {
	sync.Mutex
	servers map[string]*sharedServer // by their options
}

// SharedSpark returns the URL, which ends in the token, of a server of
// SparkVersion that all tests use. See SharedSparkOf.
func SharedSpark(t testing.TB) string {
	t.Helper()
	return SharedSparkOf(t, SparkVersion())
}

// SharedSparkOf returns the URL of a server of a version that all tests use: the
// one that SparksEnv names; without it, one for the tests of this package, whose
// TestMain calls StopShared at its end.
func SharedSparkOf(t testing.TB, version string) string {
	t.Helper()
	Integration(t)
	for _, entry := range strings.Fields(os.Getenv(SparksEnv)) {
		if v, url, _ := strings.Cut(entry, "="); v == version {
			return url
		}
	}
	return SharedSparkWith(t, SharedOptions(version)).URL()
}

// SharedSparkWith returns a server with these options that the tests of this
// package share: equal options give the same server.
func SharedSparkWith(t testing.TB, o localspark.Options) *localspark.Server {
	t.Helper()
	Integration(t)
	key := fmt.Sprint(o.Version, o.Master, o.Conf)
	shared.Lock()
	s := shared.servers[key]
	if s == nil {
		s = &sharedServer{}
		if shared.servers == nil {
			shared.servers = map[string]*sharedServer{}
		}
		shared.servers[key] = s
	}
	shared.Unlock()
	s.Do(func() { s.server, s.err = localspark.Start(context.Background(), withDefaults(o)) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

// StopShared stops the servers that this process shared among its tests.
func StopShared() error {
	shared.Lock()
	defer shared.Unlock()
	var errs []error
	for _, s := range shared.servers {
		if s.server != nil {
			errs = append(errs, s.server.Stop())
		}
	}
	shared.servers = nil
	return errors.Join(errs...)
}

// Address returns the host and port of a connection string.
func Address(url string) string {
	address, _, _ := strings.Cut(strings.TrimPrefix(url, "sc://"), "/")
	return address
}

// Through returns the connection string with another address, such as that of a proxy.
func Through(url, address string) string {
	return strings.Replace(url, Address(url), address, 1)
}

// Model returns the path of the default model's GGUF file.
func Model(t testing.TB) string {
	t.Helper()
	Integration(t)
	m, err := weights.Resolve(t.Context(), weights.Default, weights.Options{Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	return m.Path
}

// Data returns the path of a file or folder of the test data outside the project,
// such as "data/uci-sentiment/amazon_cells_labelled.txt".
func Data(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv(SharedEnv)
	if root == "" {
		root = filepath.Join(projectRoot(t), "..", "shared")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the test data %s do not exist (%s names their folder)", name, SharedEnv)
	}
	return path
}

// projectRoot returns the folder of go.mod.
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
			t.Fatal("no folder above the test has a go.mod")
		}
		dir = filepath.Dir(dir)
	}
}
