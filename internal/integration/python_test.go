//go:build linux

package integration

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/extract"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/network/pypi"
	"github.com/firesteel/firesteel/internal/testkit"
)

// pythonNeeds lists the packages that PySpark's client and worker import, and those
// of the frames of firesteel.run.
var pythonNeeds = filepath.Join("..", "..", "python", "requirements-test.txt")

var pythonMade sync.Mutex

// pySpark returns a Python in the cache that has PySpark of the default version. The test is
// skipped if they cannot be installed.
func pySpark(t *testing.T) (python string) {
	t.Helper()
	python = pythonWithNeeds(t)
	folder := pySparkFolder(t, localspark.DefaultVersion)
	sites, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(python)), "lib", "python3*", "site-packages"))
	if err != nil || len(sites) == 0 {
		t.Fatalf("the virtual environment of %s has no site-packages: %v", python, err)
	}
	if err := os.WriteFile(filepath.Join(sites[0], "pyspark.pth"), []byte(folder+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return python
}

// pythonWithNeeds returns a Python in the cache that has what PySpark needs.
func pythonWithNeeds(t *testing.T) (python string) {
	t.Helper()
	cache, err := cachedir.Dir()
	if err != nil {
		t.Fatal(err)
	}
	needs, err := os.ReadFile(pythonNeeds)
	if err != nil {
		t.Fatal(err)
	}
	pythonMade.Lock()
	defer pythonMade.Unlock()
	home := filepath.Join(cache, fmt.Sprintf("test-python-%x", sha256.Sum256(needs))[:20])
	python = filepath.Join(home, "bin", "python")
	if exec.Command(python, "-c", "import pandas, pyarrow, grpc_status, zstandard, py4j, polars, duckdb").Run() != nil {
		for _, command := range [][]string{
			{"python3", "-m", "venv", home},
			{python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "-r", pythonNeeds},
		} {
			if text, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
				t.Skipf("Python with the packages of PySpark cannot be installed: %s: %v\n%s", strings.Join(command, " "), err, text)
			}
		}
	}
	return python
}

// pySparkFolder returns a folder in the cache with the Python files of PySpark.
func pySparkFolder(t *testing.T, version string) string {
	t.Helper()
	cache, err := cachedir.Dir()
	if err != nil {
		t.Fatal(err)
	}
	pythonMade.Lock()
	defer pythonMade.Unlock()
	folder := filepath.Join(cache, "test-pyspark-"+version)
	if _, err := os.Stat(folder); err != nil {
		unpackPySpark(t, version, folder)
	}
	return folder
}

// unpackPySpark extracts the Python files of PySpark's package, and the JSON files
// that they read.
func unpackPySpark(t *testing.T, version, folder string) {
	t.Helper()
	downloads, err := cachedir.Downloads()
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(downloads, "pyspark-"+version+".tar.gz")
	if _, err := os.Stat(archive); err != nil {
		client := &fetch.Client{Progress: fetch.NewProgress(os.Stderr)}
		file, err := pypi.FromEnvironment(client).Find(t.Context(), "pyspark", version, pypi.Source)
		if err != nil {
			t.Skipf("PySpark cannot be downloaded: %v", err)
		}
		if err := client.Get(t.Context(), fetch.Request{URL: file.URL, Path: archive, Size: file.Size, Sum: fetch.SHA256(file.SHA256)}); err != nil {
			t.Skipf("PySpark cannot be downloaded: %v", err)
		}
	}
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fresh, err := os.MkdirTemp(filepath.Dir(folder), filepath.Base(folder)+".new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	_, err = extract.TarGz(t.Context(), f, fresh, extract.Limits{Files: 10_000, Bytes: 1 << 30}, func(name string) string {
		if _, rest, _ := strings.Cut(name, "/"); strings.HasPrefix(rest, "pyspark/") && (strings.HasSuffix(rest, ".py") || strings.HasSuffix(rest, ".json")) {
			return rest
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, folder); err != nil {
		t.Fatal(err)
	}
}

// firesteel attaches to no session that no client has open.
func TestAttachToNoSession(t *testing.T) {
	t.Parallel()
	url := testkit.SharedSpark(t)
	for user, want := range map[string]string{"ann": `of user "ann": check session_id`, "": `of user "": check session_id`, "None": "write ;user_id= then"} {
		id := uuid.NewString()
		_, errs, err := run(t, "", "attach", url+";session_id="+id+";user_id="+user)
		if err == nil || !strings.Contains(errs, "has no open session "+id) || !strings.Contains(errs, want) {
			t.Errorf("user %q: %v: %s", user, err, errs)
		}
	}
}

// The example runs as its reader runs it: firesteel attaches to a PySpark session,
// and Python functions work before, during and after that.
func TestPythonFunctions(t *testing.T) {
	t.Parallel()
	command := program(t)
	python := pySpark(t)
	server := testkit.Spark(t, localspark.Options{Version: localspark.DefaultVersion, Conf: map[string]string{
		"spark.sql.execution.pyspark.python": python,
	}})
	script := exec.CommandContext(t.Context(), python, filepath.Join("..", "..", "examples", "pyspark_session.py"))
	script.Env = append(os.Environ(), "SPARK_REMOTE="+server.URL(), "FIRESTEEL="+command)
	var out, errs bytes.Buffer
	script.Stdout, script.Stderr = &out, &errs
	script.WaitDelay = 10 * time.Second
	if err := script.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), errs.String())
	}
	for _, want := range []string{
		"before: [25, 29]\n",
		"AI functions, among them ai_agg\n",
		"1 negative 25\n2 positive 29\n",
		"letters of a mood: [8, 8]\n",
		"a mood of capitals: ['",
		"an error: ValueError: invalid literal for int() with base 10: '",
		"after: [25, 29]\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the script does not print %q", want)
		}
	}
	t.Logf("the script:\n%s\n%s", out.String(), errs.String())

	// The budget holds for each action of the client, and the ledger for all.
	asked := newCounter(t, 0)
	kept := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "ledger_session.py"), filepath.Join(t.TempDir(), "ledger"), asked.model())
	kept.Env = script.Env
	text, err := kept.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{
		"letters: 80\nusage: ai_gen 60 20 0 40\n",
		"letters: 160\nusage: ai_gen 60 20 20 20\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the session with a ledger does not print %q:\n%s", want, text)
		}
	}
	if n, repeated := asked.counts("p"); n != 40 || repeated != 0 {
		t.Errorf("%d requests for 40 rows, %d of which were asked again", n, repeated)
	}
}
