package mmap

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFile(t *testing.T) {
	for _, text := range []string{"", "some bytes"} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		data, release, err := File(f, int64(len(text)))
		read, _, readErr := readFile(f, len(text))
		f.Close()
		if err != nil || readErr != nil || string(data) != text || string(read) != text {
			t.Errorf("%q, %v and %q, %v; want %q", data, err, read, readErr, text)
		}
		if release != nil {
			if err := release(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Pages that Forget released are read again with the same content.
func TestForget(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 5000)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, release, err := File(f, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	if release == nil {
		t.Skip("files cannot be mapped here")
	}
	for _, part := range [][2]int{{0, 0}, {0, 50000}, {1, 4097}, {4096, 8192}, {4095, 12289}, {49000, 50000}} {
		if !bytes.Equal(data, text) {
			t.Fatal("the file has changed")
		}
		Forget(data[part[0]:part[1]])
	}
	if !bytes.Equal(data, text) {
		t.Fatal("the file has changed")
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
