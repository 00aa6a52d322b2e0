package spark

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// There is one program for each kind of processor.
func TestWorkerPrograms(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs, err := workerPrograms([]string{self})
	if err != nil || len(programs) != 1 || programs[0].Path != self || programs[0].CPU == "" {
		t.Errorf("%+v, %v", programs, err)
	}
	// The same program for another processor: bytes 18 and 19 of ELF.
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	write := func(machine byte) string {
		path := filepath.Join(t.TempDir(), "program")
		b[18], b[19] = machine, 0
		if err := os.WriteFile(path, b, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{[]string{self, self}, "are both for"},
		{[]string{write(243)}, "EM_RISCV"},
		{[]string{"/no/such"}, "/no/such"},
		{[]string{"place_test.go"}, "is not a Linux executable"},
	} {
		if _, err := workerPrograms(c.paths); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %q", c.paths, err, c.want)
		}
	}
}
