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

func captureLog(t *testing.T) *bytes.Buffer {
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

// A panic becomes an error, and its stack is logged once however often it
// happens.
func TestCatchLogsTheStackOnce(t *testing.T) {
	log := captureLog(t)
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
	// A panic of another line is logged, too.
	func() {
		defer Handle("failing elsewhere", nil)
		panic(io.ErrClosedPipe)
	}()
	if n := strings.Count(log.String(), "level=ERROR msg=panic"); n != 2 {
		t.Errorf("%d of 2 panics logged: %s", n, log)
	}
}

// An *Error that is passed to panic again stays the same error.
func TestHandleKeepsError(t *testing.T) {
	captureLog(t)
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
		t.Error("Handle called its function without a panic")
	}
}

// Reading a mapped file that was truncated is an error and does not end the
// process.
func TestOnFault(t *testing.T) {
	captureLog(t)
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
	if err := read(); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("%v", err)
	}
}
