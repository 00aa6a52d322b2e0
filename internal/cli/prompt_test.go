package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"io"
)

func TestCtrlCEntersAnEmptyLine(t *testing.T) {
	k := &keyboard{Reader: iotest.OneByteReader(strings.NewReader("SELECT\x03quit"))}
	typed, err := io.ReadAll(iotest.OneByteReader(k))
	if err != nil || string(typed) != "SELECT\x05\x15\rquit" {
		t.Errorf("%q, %v", typed, err)
	}
	if !k.wasInterrupted() || k.wasInterrupted() {
		t.Error("one Ctrl-C is not reported exactly once")
	}
}

func TestHistoryOutlivesThePrompt(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	h := openHistory()
	for _, line := range []string{"one", "two", "two", " ", "three"} {
		h.Add(line)
	}
	again := openHistory()
	if again.Len() != 3 || again.At(0) != "three" || again.At(2) != "one" {
		t.Errorf("%q", again.lines)
	}
	info, err := os.Stat(filepath.Join(cache, "firesteel", "sql_history"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: statements may hold private data", info.Mode(), err)
	}
}
