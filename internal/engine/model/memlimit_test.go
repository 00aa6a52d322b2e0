package model

import (
	"errors"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/memlimit"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// A model that exceeds the memory limit of the container is an error before its memory is touched.
// The error says what limit is needed.
func TestLoadChecksMemoryLimit(t *testing.T) {
	before := memlimit.Read
	t.Cleanup(func() { memlimit.Read = before })
	used := int64(0)
	memlimit.Read = func() []memlimit.Limit {
		return []memlimit.Limit{{Bytes: 1 << 40, Name: "the host"}, {Bytes: 512 << 20, Used: used, Name: "the control group /pod", Raise: "spark.executor.memoryOverhead"}}
	}
	kernels, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	path := gguftest.Llama(7).Write(t)
	for _, used = range []int64{490 << 20, 100 << 20} {
		source, err := OpenSource(path)
		if err != nil {
			t.Fatal(err)
		}
		network, err := Load(t.Context(), source, llm.Int8, kernels, 1)
		var full *memlimit.Error
		switch {
		case used > 400<<20:
			for _, want := range []string{path, "the control group /pod allows 512 MiB, of which 490 MiB are in use: allow at least ", "spark.executor.memoryOverhead"} {
				if !errors.As(err, &full) || !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
		case err != nil:
			t.Error(err)
		default:
			if err := network.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}
}
