//go:build linux

package integration

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/testkit"
)

var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// The commands of docs/cluster.md, run in their order, print what the page shows.
func TestClusterPage(t *testing.T) {
	t.Parallel()
	testkit.Integration(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "cluster.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -eu\n"
	var want []string
	for _, block := range fenced.FindAllStringSubmatch(string(page), -1) {
		switch block[1] {
		case "sh":
			script += block[2]
		case "":
			want = append(want, block[2])
		}
	}
	if len(want) < 2 {
		t.Fatalf("the page shows %d results", len(want))
	}
	installed, err := localspark.Install(t.Context(), localspark.Options{Version: testkit.SparkVersion(), Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Model(t) // its download does not count towards the timeout

	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	shell.Dir = t.TempDir()
	shell.Env = append(os.Environ(), "SPARK_HOME="+installed.Home, "SPARK_CONF_DIR="+shell.Dir, quickJava,
		"PATH="+filepath.Dir(program(t))+":"+os.Getenv("PATH"))
	var out, errs bytes.Buffer
	shell.Stdout, shell.Stderr, shell.WaitDelay = &out, &errs, 10*time.Second
	// If a command fails, the test ends the processes of the earlier ones.
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	err = shell.Run()
	syscall.Kill(-shell.Process.Pid, syscall.SIGTERM)
	rest := out.String()
	for _, result := range want {
		_, after, found := strings.Cut(rest, result)
		if !found {
			t.Errorf("the output does not contain\n%s", result)
		}
		rest = after
	}
	if err != nil || t.Failed() {
		t.Errorf("%v\n%s\n%s", err, out.String(), errs.String())
		for _, name := range []string{"server.log", "cluster.log"} {
			text, _ := os.ReadFile(filepath.Join(shell.Dir, name))
			t.Logf("%s: ...%s", name, text[max(0, len(text)-3000):])
		}
	}
}
