package memlimit

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// limits returns the limits of this process.
func limits() []Limit {
	all := groupLimits("/")
	var space unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &space) == nil && space.Cur < math.MaxInt64 {
		all = append(all, Limit{int64(space.Cur), addressSpace(), "the limit on address space", "ulimit -v", true})
	}
	return all
}

// addressSpace returns the bytes of address space in use.
func addressSpace() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	pages, _ := strconv.ParseInt(first, 10, 64)
	return pages * int64(os.Getpagesize())
}

// group is a hierarchy of control groups, version 2 or 1.
type group struct {
	kind              string   // type of its file system
	limit, used, stat string   // names of its files
	files             []string // names in stat of file cache, which the kernel can reclaim
}

var groups = []group{
	{"cgroup2", "memory.max", "memory.current", "memory.stat", []string{"inactive_file", "active_file"}},
	{"cgroup", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", []string{"total_inactive_file", "total_active_file"}},
}

// groupLimits returns the limits of the process's control group and of the
// groups above it. root is the root of the file system.
func groupLimits(root string) []Limit {
	own, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil
	}
	var all []Limit
	for _, g := range groups {
		in, ok := g.path(own)
		if !ok {
			continue
		}
		top, at, ok := g.mount(mounts)
		if !ok {
			continue
		}
		// In a container the mount may begin below the root of the hierarchy.
		in, below := strings.CutPrefix(in, top)
		if !below {
			in = "/"
		}
		for dir := path.Clean("/" + in); ; dir = path.Dir(dir) {
			if l, ok := g.read(filepath.Join(root, at, dir)); ok {
				all = append(all, l)
			}
			if dir == "/" {
				break
			}
		}
	}
	return all
}

// path returns the path of the process's group within the hierarchy.
func (g group) path(own []byte) (string, bool) {
	for line := range strings.Lines(string(own)) {
		number, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, in, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		if g.kind == "cgroup2" && number == "0" && controllers == "" {
			return in, true
		}
		for _, c := range strings.Split(controllers, ",") {
			if g.kind == "cgroup" && c == "memory" {
				return in, true
			}
		}
	}
	return "", false
}

// mount returns the mounted part of the hierarchy (top) and its mount point (at).
func (g group) mount(mounts []byte) (top, at string, ok bool) {
	lines := bufio.NewScanner(bytes.NewReader(mounts))
	for lines.Scan() {
		// 31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
		before, after, _ := strings.Cut(lines.Text(), " - ")
		b, a := strings.Fields(before), strings.Fields(after)
		if len(b) < 5 || len(a) < 3 || a[0] != g.kind {
			continue
		}
		if g.kind == "cgroup" && !strings.Contains(","+a[2]+",", ",memory,") {
			continue
		}
		return strings.TrimSuffix(b[3], "/"), b[4], true
	}
	return "", "", false
}

// read returns the limit of a group, if it has one.
func (g group) read(dir string) (Limit, bool) {
	number := func(name string) (int64, bool) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		n, wrong := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		return n, err == nil && wrong == nil
	}
	bytes, ok := number(g.limit) // "max" means no limit
	if !ok || bytes <= 0 || bytes >= 1<<60 {
		return Limit{}, false
	}
	used, _ := number(g.used)
	if stat, err := os.ReadFile(filepath.Join(dir, g.stat)); err == nil {
		for line := range strings.Lines(string(stat)) {
			if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); slices.Contains(g.files, name) {
				n, _ := strconv.ParseInt(value, 10, 64)
				used -= n
			}
		}
	}
	return Limit{bytes, max(used, 0), "the control group " + dir,
		"the container's memory; for an executor, spark.executor.memoryOverhead", false}, true
}
