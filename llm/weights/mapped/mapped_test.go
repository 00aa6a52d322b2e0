package mapped

import (
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
