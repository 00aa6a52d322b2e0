//go:build unix

package panics

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func logged(t *testing.T) *bytes.Buffer {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &b
}

func indexes(n int) (err error) {
	defer Catch(&err, "indexing")
	_ = make([]int, 3)[n]
	return nil
}

// A panic is an error with what was done, and its stack is logged once, however
// often it happens.
func TestCatchTellsTheStackOnce(t *testing.T) {
	log := logged(t)
	if err := indexes(2); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := indexes(7)
		var e *Error
		var runtimeError runtime.Error
		if !errors.As(err, &e) || !errors.As(err, &runtimeError) {
			t.Fatalf("%v (%T)", err, err)
		}
		if s := err.Error(); !strings.Contains(s, "indexing") || !strings.Contains(s, "index out of range [7]") || strings.Contains(s, "goroutine") {
			t.Error(s)
		}
		if !strings.Contains(e.Stack, "panics.indexes") {
			t.Error(e.Stack)
		}
	}
	if n := strings.Count(log.String(), "panics.indexes"); strings.Count(log.String(), "level=ERROR msg=panic") != 1 || n == 0 {
		t.Errorf("%s", log)
	}
	// Another place is told too.
	func() {
		defer Handle("failing elsewhere", nil)
		panic(io.ErrClosedPipe)
	}()
	if n := strings.Count(log.String(), "level=ERROR msg=panic"); n != 2 {
		t.Errorf("%d panics of 2 told: %s", n, log)
	}
}

// A panic that was caught elsewhere, and is passed on, stays what it was.
func TestHandleKeepsWhatWasCaught(t *testing.T) {
	logged(t)
	first := indexes(9)
	var got error
	func() {
		defer Handle("waiting", func(err error) { got = err })
		panic(first)
	}()
	if got != first {
		t.Errorf("%v, want %v", got, first)
	}
	called := false
	func() {
		defer Handle("nothing", func(error) { called = true })
	}()
	if called {
		t.Error("no panic was handled as one")
	}
}

// Reading a mapped file that has been cut off is an error, not the end.
func TestOnFault(t *testing.T) {
	logged(t)
	path := filepath.Join(t.TempDir(), "mapped")
	if err := os.WriteFile(path, make([]byte, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := unix.Mmap(int(f.Fd()), 0, 1<<16, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(data)
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	read := func() (err error) {
		defer OnFault()()
		defer Catch(&err, "reading a file")
		if data[1<<15] != 0 {
			t.Error("not zero")
		}
		return nil
	}
	if err := read(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
}
