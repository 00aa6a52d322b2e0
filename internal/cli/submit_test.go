package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/network/egress"
)

func TestSplitSubmit(t *testing.T) {
	for _, c := range []struct{ args, ours, sparks, job string }{
		{"--master spark://h:7077 -m ./x.gguf --conf k=v -- job.sql", "-m ./x.gguf", "--master spark://h:7077 --conf k=v", "job.sql"},
		{"--master=local[2] --rows=5 -n6 --vertical --verbose ./job --rows 7", "--rows=5 -n6 --vertical", "--master=local[2] --verbose", "./job --rows 7"},
		{"--conf spark.x=--rows --supervise -c a=b -- -odd-name", "", "--conf spark.x=--rows --supervise -c a=b", "-odd-name"},
		{"--properties-file p --deploy-mode client", "", "--properties-file p --deploy-mode client", ""},
		{"", "", "", ""},
	} {
		command := (&app{}).submit()
		ours, sparks, job, err := splitSubmit(command, strings.Fields(c.args))
		if err != nil || strings.Join(ours, " ") != c.ours || strings.Join(sparks, " ") != c.sparks || strings.Join(job, " ") != c.job {
			t.Errorf("%s: %q, %q, %q, %v", c.args, ours, sparks, job, err)
		}
	}
}

func TestSubmitMistakes(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("SPARK_HOME", "")
	t.Setenv("PATH", empty)
	t.Setenv(egress.LocalOnlyVariable, "")
	script := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(script, []byte("SELECT 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"--master yarn", exitUsage, "name what to run after '--'"},
		{"--conf", exitUsage, "--conf needs a value"},
		{"-=x -- " + script, exitUsage, "is not an option"},
		{"--class a.B -- " + script, exitUsage, "--class cannot be given"},
		{"--deploy-mode=cluster -- " + script, exitUsage, "the server must run on this machine"},
		{"--conf spark.connect.authenticate.token=x -- " + script, exitUsage, "each run chooses"},
		{"--rows 0 -- " + script, exitUsage, "--rows must be at least 1"},
		{"--server-log " + script + " -- " + script, exitFailed, "--server-log: " + script + " is the input"},
		{"--rows x -- " + script, exitUsage, "see 'firesteel submit --help'"},
		{"-- " + script + " more", exitUsage, "takes no arguments"},
		{"-- /no/such/job.sql", exitFailed, "/no/such/job.sql"},
		{"-- ./no-such-program", exitUsage, "neither a file of SQL (.sql) nor a program"},
		{"--model x -- " + os.Args[0], exitUsage, "--model is for files of SQL"},
		{"-- " + script, exitFailed, "no Spark found"},
		{"--spark-home " + empty + " -- " + script, exitFailed, "is not a Spark distribution"},
		// From here on it holds for this process.
		{"--local-only --master yarn -- " + script, exitFailed, `the master "yarn" may be on other machines`},
		{"--local-only --conf spark.master=spark://127.0.0.1:1,h:2 -- " + script, exitFailed, "may be on other machines"},
		{"--local-only --master=spark://127.0.0.1:1 -- " + script, exitFailed, "no Spark found"},
	} {
		status, out, errs := do(slices.Concat([]string{"submit"}, strings.Fields(c.args))...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: exit code %d, %q, want %d, %q", c.args, status, errs, c.status, c.want)
		}
	}
}
