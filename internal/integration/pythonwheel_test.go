//go:build linux

package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
)

// wheel installs the wheel that a release has in an environment of its own, and
// returns its Python.
func wheel(t *testing.T, python string) string {
	t.Helper()
	root, out, home := filepath.Join("..", ".."), t.TempDir(), filepath.Join(t.TempDir(), "env")
	build := exec.CommandContext(t.Context(), "go", "run", "./internal/release", "-version", "v0.0.0-rc.1", "-dirty", "-archives=false", "-sbom=false",
		"-targets", "linux/"+runtime.GOARCH, "-out", out)
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	wheels, err := filepath.Glob(filepath.Join(out, "firesteel-0.0.0rc1-py3-none-manylinux*.whl"))
	if err != nil || len(wheels) != 1 {
		t.Fatalf("the wheels are %v (%v)", wheels, err)
	}
	own := filepath.Join(home, "bin", "python")
	for _, command := range [][]string{
		{python, "-m", "venv", "--without-pip", home},
		{python, "-m", "pip", "--python", own, "install", "--quiet", "--no-index", "--no-deps", wheels[0]},
	} {
		if text, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, text)
		}
	}
	// The packages that pySpark installed, which would take a minute again.
	shared, err := exec.CommandContext(t.Context(), python, "-c", "import pandas, pyspark\nfor m in pandas, pyspark: print(m.__file__.rsplit('/', 2)[0])").Output()
	if err != nil {
		t.Fatal(err)
	}
	sites, err := filepath.Glob(filepath.Join(home, "lib", "python3*", "site-packages"))
	if err != nil || len(sites) != 1 {
		t.Fatalf("%v (%v)", sites, err)
	}
	if err := os.WriteFile(filepath.Join(sites[0], "shared.pth"), shared, 0o644); err != nil {
		t.Fatal(err)
	}
	return own
}

// The wheel works where it alone was installed: docs/python.md does what it shows,
// and frames are not changed.
func TestPythonWheel(t *testing.T) {
	t.Parallel()
	url := testkit.SharedSparkOf(t, localspark.DefaultVersion)
	testkit.Model(t)
	python := wheel(t, pySpark(t))
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "python.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script string
	var want []string
	for _, block := range fenced.FindAllStringSubmatch(string(page), -1) {
		switch block[1] {
		case "python":
			script += block[2]
		case "":
			want = append(want, block[2])
		}
	}
	if len(want) < 3 || !strings.Contains(script, "sc://localhost:15002") {
		t.Fatalf("the page shows %d results of\n%s", len(want), script)
	}
	notebook := filepath.Join(t.TempDir(), "notebook.py")
	if err := os.WriteFile(notebook, []byte(strings.ReplaceAll(script, "sc://localhost:15002", url)+pythonMistakes), 0o600); err != nil {
		t.Fatal(err)
	}
	out := runPython(t, url, python, notebook)
	rest := out
	for _, result := range want {
		_, after, found := strings.Cut(rest, result)
		if !found {
			t.Errorf("the output does not contain\n%s\nit is\n%s", result, out)
		}
		rest = after
	}
	if !strings.HasSuffix(out, "the mistakes are reported\n") {
		t.Errorf("%s", out)
	}
	frames, err := filepath.Abs(filepath.Join("testdata", "python_frames.py"))
	if err != nil {
		t.Fatal(err)
	}
	if out := runPython(t, url, python, frames); !strings.HasSuffix(out, "frames are unchanged\n") {
		t.Errorf("%s", out)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(python), "firesteel"), "version")
	if text, err := command.CombinedOutput(); err != nil || !strings.Contains(string(text), "v0.0.0-rc.1") {
		t.Errorf("%s, %v", text, err)
	}
}

// The package attaches to Spark 3.5 with the client of that version, which comes with the whole of Spark only.
func TestPythonOld(t *testing.T) {
	t.Parallel()
	const version = "3.5.1"
	url := testkit.SharedSparkOf(t, version)
	testkit.Model(t)
	python := pythonWithNeeds(t)
	if exec.CommandContext(t.Context(), python, "-c", "import sys; sys.exit(sys.version_info > (3, 12))").Run() != nil {
		t.Skip("the client of Spark 3.5 needs Python 3.11 or older")
	}
	source, err := filepath.Abs(filepath.Join("..", "..", "python"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "python_old.py"))
	c.Env = append(os.Environ(), "SPARK_REMOTE="+url, "FIRESTEEL="+program(t), "PYTHONDONTWRITEBYTECODE=1",
		"PYTHONPATH="+source+string(filepath.ListSeparator)+pySparkFolder(t, version))
	c.WaitDelay = 10 * time.Second
	if text, err := c.CombinedOutput(); err != nil || !strings.Contains(string(text), "Spark 3.5.1 is attached\n") {
		t.Fatalf("%v\n%s", err, text)
	}
}

// pythonMistakes is appended to the page.
const pythonMistakes = `
def refused(text, call, kind=firesteel.FiresteelError):
    try:
        call()
    except kind as e:
        assert text in str(e), f"{e!s} does not say {text!r}"
    else:
        raise AssertionError(f"there is no error {text!r}")

class SparkSession: pass
SparkSession.__module__ = "pyspark.sql.session"
refused("this is a classic session of PySpark", lambda: firesteel.attach(SparkSession()))
refused("attach takes a session of PySpark", lambda: firesteel.attach(3))
refused("nosuch", lambda: firesteel.attach(spark, model="./nosuch"))
refused('there is no role "speech"', lambda: firesteel.attach(spark, roles="speech"), firesteel.UsageError)
assert reviews.ai.classify("text", ["a", "b"], output_col="t", error_col="e").columns == ["text", "t", "e"]
assert reviews.ai.similarity("text", F.col("text")).columns == ["text", "similarity"]
print("the mistakes are reported")
`

func runPython(t *testing.T, remote, python string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), python, args...)
	c.Dir = t.TempDir()
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "FIRESTEEL=") && !strings.HasPrefix(e, "SPARK_") && !strings.HasPrefix(e, "PYTHONPATH=") {
			c.Env = append(c.Env, e)
		}
	}
	// Without it PySpark's full package, of which the cache has no jars, looks for a
	// Spark; the package pyspark-client does not.
	c.Env = append(c.Env, "SPARK_REMOTE="+remote)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr, c.WaitDelay = &out, &errs, 10*time.Second
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), errs.String())
	}
	t.Logf("%s%s", out.String(), errs.String())
	return out.String()
}
