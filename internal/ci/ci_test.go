package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	runs, err := parse(strings.Fields("A=1 B=x=y -timeout 5m ./a -run=^X$ -- ./b C=1"))
	if err != nil || len(runs) != 2 {
		t.Fatalf("%v, %v", runs, err)
	}
	for i, want := range []testRun{
		{[]string{"A=1", "B=x=y"}, []string{"-timeout", "5m", "./a", "-run=^X$"}, ""},
		{nil, []string{"./b", "C=1"}, ""},
	} {
		if !slices.Equal(runs[i].env, want.env) || !slices.Equal(runs[i].args, want.args) {
			t.Errorf("run %d is %q, want %q", i, runs[i], want)
		}
	}
	for _, bad := range []string{"", "A=1", "./a --", "-- ./a"} {
		if runs, err := parse(strings.Fields(bad)); err == nil {
			t.Errorf("%q gives %v", bad, runs)
		}
	}
}

// module writes a module of one package with these test functions.
func module(t *testing.T, tests string) (folder string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	folder = t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module example.com/m\n\ngo 1.26.0\n",
		"a_test.go": "package a\n\nimport (\n\t\"os\"\n\t\"testing\"\n\t\"time\"\n)\n\nvar _ = time.Now\nvar _ = os.Exit\n\n" + tests,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const passing = "func TestGood(t *testing.T) { t.Log(\"noise\") }\n"

// Each way in which go test can fail is an error, and its output is shown.
func TestFailuresAreShown(t *testing.T) {
	for _, c := range []struct {
		name, tests string
		args        []string
		shown       []string // in the output of the run
		failed      string   // in the error; "" for none
	}{
		{"pass", passing, nil, []string{"ok    example.com/m"}, ""},
		{"a test", passing + "func TestBad(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Error(\"seven is not eight\") }) }\n", nil,
			[]string{"FAIL  example.com/m TestBad\n", "seven is not eight", "FAIL  example.com/m 0"}, "example.com/m TestBad, example.com/m TestBad/sub"},
		{"a panic", passing + "func TestBad(t *testing.T) { panic(\"out of cheese\") }\n", nil, []string{"panic: out of cheese", "a_test.go"}, "example.com/m TestBad"},
		{"an exit", passing + "func TestBad(t *testing.T) { os.Exit(3) }\n", nil, []string{"FAIL"}, "example.com/m"},
		{"an exit that looks good", passing + "func TestBad(t *testing.T) { os.Exit(0) }\n", nil, []string{"FAIL"}, "example.com/m"},
		{"a timeout", passing + "func TestBad(t *testing.T) { time.Sleep(time.Minute) }\n", []string{"-timeout", "1s"}, []string{"panic: test timed out"}, "example.com/m TestBad"},
		{"TestMain", passing + "func TestMain(m *testing.M) { m.Run(); os.Stderr.WriteString(\"a server is left\\n\"); os.Exit(1) }\n", nil,
			[]string{"a server is left", "FAIL  example.com/m"}, "example.com/m"},
		{"a build", "func TestBad(t *testing.T) { undefinedName() }\n", nil, []string{"undefined: undefinedName"}, "example.com/m"},
		{"no such package", passing, []string{"./nowhere"}, []string{"nowhere"}, "nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := module(t, c.tests)
			var out bytes.Buffer
			r := all(context.Background(), []testRun{{nil, append([]string{"-count=1"}, c.args...), folder}}, 1, os.Environ(), &out)[0]
			for _, want := range c.shown {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not shown:\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), "noise") {
				t.Errorf("the output of a test that passed is shown:\n%s", &out)
			}
			if c.failed == "" {
				if r.err != nil {
					t.Error(r.err)
				}
				return
			}
			text := report([]*result{r})
			if r.err == nil || !strings.Contains(r.err.Error(), c.failed) || !strings.Contains(text, "FAILED: go test") {
				t.Errorf("the error is %v, want %q in it; the report:\n%s", r.err, c.failed, text)
			}
		})
	}
}

func TestReport(t *testing.T) {
	events := `{"Action":"start","Package":"github.com/firesteel/firesteel/a"}
{"Action":"run","Package":"github.com/firesteel/firesteel/a","Test":"TestSlow"}
{"Action":"pass","Package":"github.com/firesteel/firesteel/a","Test":"TestSlow","Elapsed":9.5}
{"Action":"run","Package":"github.com/firesteel/firesteel/a","Test":"TestData"}
{"Action":"output","Package":"github.com/firesteel/firesteel/a","Test":"TestData","Output":"=== RUN   TestData\n"}
{"Action":"output","Package":"github.com/firesteel/firesteel/a","Test":"TestData","Output":"    a_test.go:12: there is no data\n"}
{"Action":"output","Package":"github.com/firesteel/firesteel/a","Test":"TestData","Output":"--- SKIP: TestData (0.00s)\n"}
{"Action":"skip","Package":"github.com/firesteel/firesteel/a","Test":"TestData","Elapsed":0}
{"Action":"run","Package":"github.com/firesteel/firesteel/a","Test":"TestData2"}
{"Action":"skip","Package":"github.com/firesteel/firesteel/a","Test":"TestData2","Elapsed":0}
{"Action":"pass","Package":"github.com/firesteel/firesteel/a","Elapsed":10.25}
{"Action":"run","Package":"github.com/firesteel/firesteel/b","Test":"TestCut"}
{"Action":"output","Package":"github.com/firesteel/firesteel/b","Test":"TestCut","Output":"half a line"}
`
	r := newResult(testRun{[]string{"X=1"}, []string{"./..."}, ""})
	var out bytes.Buffer
	r.read(strings.NewReader(events), &out)
	// Even if go test reports success.
	r.finish(nil, &out)
	if r.err == nil || !strings.Contains(r.err.Error(), "b TestCut") || !strings.Contains(out.String(), "half a line") {
		t.Errorf("a test without an end: %v\n%s", r.err, &out)
	}
	if !strings.Contains(out.String(), "ok    a TestSlow 10 s\n") {
		t.Errorf("a long test has no line:\n%s", &out)
	}
	text := report([]*result{r})
	for _, want := range []string{
		"9.5 s  a  TestSlow", "10.2 s  a", "2 tests were skipped\n  there is no data\n    a TestData\n  no reason is given\n    a TestData2\n",
		"FAILED: go test X=1 ./...: failed: b TestCut",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
	r = newResult(testRun{nil, []string{"./..."}, ""})
	r.finish(nil, &out)
	if r.err == nil {
		t.Error("a run without a package is no error")
	}
}

// Each run has its own environment.
func TestRunsAtOnce(t *testing.T) {
	folder := module(t, "func TestEnv(t *testing.T) { if os.Getenv(\"WHICH\") != \"second\" { t.Error(os.Getenv(\"WHICH\")) } }\n")
	runs := []testRun{{[]string{"WHICH=first"}, []string{"."}, folder}, {[]string{"WHICH=second"}, []string{"."}, folder}}
	var out bytes.Buffer
	results := all(context.Background(), runs, 2, os.Environ(), &out)
	if results[0].err == nil || results[1].err != nil {
		t.Errorf("%v, %v", results[0].err, results[1].err)
	}
}

// The end of the context ends the tests, and the runs that have not started.
func TestCancelled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system has no process groups")
	}
	folder := module(t, "func TestLong(t *testing.T) { os.WriteFile(\"started\", nil, 0o600); time.Sleep(time.Hour) }\n")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(folder, "started")); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	var out bytes.Buffer
	r := testRun{nil, []string{"."}, folder}
	results := all(ctx, []testRun{r, r}, 1, os.Environ(), &out)
	if err := results[0].err; err == nil || !strings.Contains(err.Error(), "TestLong") && !strings.Contains(err.Error(), "example.com/m") {
		t.Errorf("the cancelled run: %v", err)
	}
	if err := results[1].err; err == nil || !strings.Contains(err.Error(), "not started") {
		t.Errorf("the run after it: %v", err)
	}
}
