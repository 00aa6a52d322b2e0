package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/firesteel/firesteel/internal/memlimit"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// minMemory is the least --memory.
const minMemory = 64 << 20

// shareMemory divides --memory among rows under way, the engine's caches and the
// rest.
func (j *fileJob) shareMemory() error {
	if j.options.memory == "" {
		return nil
	}
	total, err := parseBytes(j.options.memory)
	if err == nil && total < minMemory {
		err = fmt.Errorf("%s is too little; the minimum is %s", fetch.Bytes(total), fetch.Bytes(minMemory))
	}
	if err != nil {
		return usagef("--memory: %w", err)
	}
	j.memory = total
	j.executor.Memory = min(total/8, 256<<20)
	j.cache = j.executor.Memory
	memlimit.SetTo(total)
	return nil
}

// checkMemory reports a model that leaves no room for work.
func (j *fileJob) checkMemory() error {
	if j.memory == 0 {
		return nil
	}
	debug.FreeOSMemory()
	if now := memoryNow(); now > j.memory-j.executor.Memory {
		return fmt.Errorf("the model takes %s, which leaves no room in --memory %s: give %s, or choose a smaller model by --model",
			fetch.Bytes(now), j.options.memory, fetch.Bytes(now+now/4+minMemory))
	}
	return nil
}

// footerBytes is about what a Parquet writer keeps of a column of a row group
// until the end, as measured on files of thousands of columns.
const footerBytes = 2 << 10

// warnFooter warns of a Parquet file whose footer exceeds --memory, because it
// has many columns.
func (j *fileJob) warnFooter(columns int, rowGroup int64) {
	in, err := os.Stat(j.options.input)
	if j.memory == 0 || err != nil || !in.Mode().IsRegular() {
		return
	}
	if more := int64(columns) * footerBytes * (in.Size()/rowGroup + 1); more > j.memory/8 {
		fmt.Fprintf(j.err, "--memory %s does not bound the footer of a Parquet file: with %d columns it may take %s more; write .csv or .jsonl, or give more memory, which makes fewer row groups\n",
			j.options.memory, columns, fetch.Bytes(more))
	}
}

// checkSpace checks that the output's disk has room for about the size of the
// input.
func (j *fileJob) checkSpace(path string) error {
	if path == "-" {
		return nil
	}
	in, err := os.Stat(j.options.input)
	if j.options.input == "-" || err != nil || !in.Mode().IsRegular() {
		return nil
	}
	need := in.Size()
	for _, compressed := range []string{".parquet", ".pq", ".gz", ".zst"} {
		if strings.HasSuffix(strings.ToLower(path), compressed) {
			need = in.Size() / 4
		}
	}
	if err := fetch.CheckSpace(filepath.Dir(path), need); err != nil {
		return fmt.Errorf("%w; make room, or write to another disk", err)
	}
	return nil
}
