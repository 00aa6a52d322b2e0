//go:build linux

package memlimit

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"
)

// The limits of nested groups, of version 1 and 2, on a host and in
// a container.
func TestGroupLimits(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  [][2]int64 // limit and used
	}{
		"v2, nested": {map[string]string{
			"proc/self/cgroup":                         "0::/a.slice/b.scope\n",
			"proc/self/mountinfo":                      "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/a.slice/b.scope/memory.max": "max\n", "sys/fs/cgroup/a.slice/memory.max": "1000000\n",
			"sys/fs/cgroup/a.slice/memory.current": "600000\n", "sys/fs/cgroup/a.slice/memory.stat": "anon 1\ninactive_file 150000\nactive_file 50000\n",
		}, [][2]int64{{1000000, 400000}}},
		"v2, container": {map[string]string{
			"proc/self/cgroup":         "0::/\n",
			"proc/self/mountinfo":      "31 23 0:28 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/memory.max": "5000\n", "sys/fs/cgroup/memory.current": "100\n",
		}, [][2]int64{{5000, 100}}},
		"v2, container of the host's names": {map[string]string{
			"proc/self/cgroup":         "0::/docker/abc\n",
			"proc/self/mountinfo":      "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/memory.max": "5000\n", "sys/fs/cgroup/memory.current": "100\n",
		}, [][2]int64{{5000, 100}}},
		"v1, nested": {map[string]string{
			"proc/self/cgroup":    "5:cpu,cpuacct:/x\n4:memory:/yarn/c1\n0::/\n",
			"proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n32 23 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/yarn/c1/memory.limit_in_bytes": "700\n", "sys/fs/cgroup/memory/yarn/c1/memory.usage_in_bytes": "500\n",
			"sys/fs/cgroup/memory/yarn/c1/memory.stat":        "inactive_file 1\ntotal_inactive_file 100\n",
			"sys/fs/cgroup/memory/yarn/memory.limit_in_bytes": "900\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, [][2]int64{{700, 400}, {900, 0}}},
		"none": {map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "1 1 0:1 / / rw - ext4 x rw\n"}, nil},
		"odd":  {map[string]string{"proc/self/cgroup": "::::\n\n0\n", "proc/self/mountinfo": " - \n- cgroup2\n"}, nil},
	} {
		root := t.TempDir()
		for file, content := range c.files {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var got [][2]int64
		for _, l := range groupLimits(root) {
			got = append(got, [2]int64{l.Bytes, l.Used})
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestLimited is run in a process of its own whose address space is limited.
func TestLimited(t *testing.T) {
	if os.Getenv("FIRESTEEL_TEST_LIMITED") == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command("/bin/sh", "-c", `ulimit -v 2000000 && exec "$0" -test.run '^TestLimited$' -test.v`, self)
		child.Env = append(os.Environ(), "FIRESTEEL_TEST_LIMITED=1", "GOMEMLIMIT=")
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestLimited") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := Check("a small thing", 1<<20); err != nil {
		t.Error(err)
	}
	var full *Error
	err := Check("the model", 3<<30)
	if !errors.As(err, &full) || !strings.Contains(err.Error(), "the model needs 3072 MiB, but the limit on address space allows 1954 MiB") || !strings.Contains(err.Error(), "ulimit -v") {
		t.Errorf("%v", err)
	}
	if n := Set(); n <= 0 || n > 2000000<<10 || debug.SetMemoryLimit(-1) != n {
		t.Errorf("Go's limit is %d, and was to be %d", debug.SetMemoryLimit(-1), n)
	}
	before := debug.SetMemoryLimit(-1)
	Reserve(100 << 20)
	if n := debug.SetMemoryLimit(-1); n != before-100<<20 {
		t.Errorf("with 100 MiB outside of the heap, Go's limit is %d, and was %d", n, before)
	}
	t.Setenv("GOMEMLIMIT", "123MiB")
	debug.SetMemoryLimit(math.MaxInt64)
	if n := Set(); n != 0 || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		t.Errorf("GOMEMLIMIT was ignored: %d", n)
	}
}

// Start returns an error for a limit on address space in which Go would crash.
func TestStart(t *testing.T) {
	before, limit := Read, debug.SetMemoryLimit(-1)
	t.Cleanup(func() { Read = before; debug.SetMemoryLimit(limit) })
	Read = func() []Limit {
		return []Limit{{Bytes: 700 << 20, Used: 650 << 20, Name: "the limit on address space", Raise: "ulimit -v", Addresses: true}}
	}
	if err := Start(); err == nil || !strings.Contains(err.Error(), "allow at least 1162 MiB (ulimit -v)") {
		t.Errorf("%v", err)
	}
	Read = func() []Limit { return []Limit{{Bytes: 700 << 20, Used: 690 << 20, Name: "a control group"}} }
	if err := Start(); err != nil {
		t.Error(err)
	}
}
