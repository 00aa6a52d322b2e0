package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/version"
)

// do runs the command with no standard input.
func do(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = Do(args, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

// The error of a mistake says what to type. The exit code is 2, and 1 if the command
// was well formed.
func TestMistakes(t *testing.T) {
	t.Setenv("SPARK_REMOTE", "")
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"sqll", exitUsage, "did you mean 'firesteel sql'?"},
		{"nonsense", exitUsage, "see 'firesteel --help'"},
		{"demo --port 1", exitUsage, "see 'firesteel demo --help'"},
		{"demo now", exitUsage, "'firesteel demo' takes no arguments"},
		{"demo --spark-home /x --spark-version 3.5.1", exitUsage, "remove --spark-version"},
		{"sql -e SELECT", sqlExitOwn, "--remote sc://host:port or SPARK_REMOTE"},
		{"sql --remote sc://x -n 0", sqlExitOwn, "--rows must be at least 1"},
		{"sql --remote sc://x -e a -f b", sqlExitOwn, "not from both"},
		{"sql --bad", sqlExitOwn, "see 'firesteel sql --help'"},
		{"sql --remote sc://x -f /no/such.sql", sqlExitOwn, "/no/such.sql"},
		{"attach", exitUsage, "in PySpark, ID is spark.session_id"},
		{"attach sc://x", exitUsage, "sc://host:15002/;session_id=ID;user_id=USER"},
		{"attach a b", exitUsage, "takes one connection string"},
		{"functions ai_nothing", exitUsage, "'firesteel functions' lists them"},
		{"functions a b", exitUsage, "takes one function's name"},
		{"models get", exitUsage, "takes one model reference"},
		{"sql --remote sc://x -e a --model=", sqlExitOwn, "--model is empty"},
		{"sql --remote sc://x -e a --model big=", sqlExitOwn, "--model is empty"},
		{"sql --remote sc://x -e a --model big=x --model Big=y", sqlExitOwn, `two models are named "Big"`},
		{"sql --remote sc://x -e a --model x --model y", sqlExitOwn, "give each its own name"},
		{"sql --remote sc://x -e a --model openai:m", sqlExitOwn, "the endpoint has no address: it should look like openai:MODEL@https://host/v1"},
		{"sql --remote sc://x -e a --model openai:m@https://h/v1?key=sk-1234", sqlExitOwn, "key= names an environment variable"},
		{"sql --remote sc://x -e a --requests-per-minute -1", sqlExitOwn, "may not be negative"},
		{"version --allow-host https://api.example.com", exitUsage, "--allow-host is a host or host:port"},
		{"sql --remote http://x -e a", sqlExitOwn, "sc://"},
		{"models get ./no/such.gguf", exitFailed, "no/such.gguf"},
		{"models get what:ever", exitFailed, "what:ever"},
		{"demo --spark-version 2.4.8", exitFailed, "too old"},
		{"demo --spark-home /no/such/spark", exitFailed, "/no/such/spark"},
	} {
		status, out, errs := do(strings.Fields(c.args)...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: exit code %d, %q, want %d, %q", c.args, status, errs, c.status, c.want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Setenv("SPARK_REMOTE", "sc://h/;token=s3cret")
	for _, args := range []string{"", "demo", "sql", "submit", "functions", "models", "models get", "version"} {
		status, out, errs := do(append(strings.Fields(args), "--help")...)
		if status != exitOK || errs != "" || !strings.Contains(out, "Usage:") || strings.Contains(out, "s3cret") {
			t.Errorf("%s: exit code %d\n%s%s", args, status, out, errs)
		}
	}
	if status, out, _ := do("version"); status != exitOK || !strings.HasPrefix(out, "firesteel ") || !strings.Contains(out, "(commit ") {
		t.Errorf("version: %q", out)
	}
	var info version.Info
	if status, out, _ := do("version", "--json"); status != exitOK || json.Unmarshal([]byte(out), &info) != nil || info != version.Get() {
		t.Errorf("version --json: %q", out)
	}
}

// Completion is visible in the help, for each shell that cobra has.
func TestCompletion(t *testing.T) {
	if _, out, _ := do("--help"); !strings.Contains(out, "\n  completion ") {
		t.Errorf("the help does not list completion:\n%s", out)
	}
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "#compdef firesteel", "fish": "complete -c firesteel", "powershell": "Register-ArgumentCompleter"} {
		status, out, errs := do("completion", shell)
		if status != exitOK || errs != "" || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d, %s", shell, status, errs)
		}
	}
	// What the scripts call.
	if _, out, _ := do("__complete", "functions", "ai_class"); !strings.Contains(out, "ai_classify\t") || strings.Contains(out, "ai_gen") {
		t.Errorf("completion of a function's name: %q", out)
	}
}

func TestFunctionsExplained(t *testing.T) {
	_, list, _ := do("functions")
	for _, f := range ai.All() {
		if listed := strings.Contains(list, "\n"+f.Signature()) || strings.HasPrefix(list, f.Signature()); listed != (f.Of == nil) {
			t.Errorf("%s: listed %v", f.Name, listed)
		}
		status, out, errs := do("functions", f.Name)
		if status != exitOK || errs != "" || !strings.Contains(out, f.Signature()) || !strings.Contains(out, f.Example) {
			t.Errorf("%s: exit code %d\n%s%s", f.Name, status, out, errs)
		}
		for _, line := range strings.Split(out, "\n") {
			if len(line) > 100 && !strings.Contains(line, f.Example) {
				t.Errorf("%s: a line of %d characters: %s", f.Name, len(line), line)
			}
		}
	}
}

func TestModelsOfAnEmptyCache(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	if status, out, errs := do("models"); status != exitOK || !strings.Contains(out, "firesteel models get") {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
}
