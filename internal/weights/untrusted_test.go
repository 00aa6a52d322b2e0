//go:build unix

package weights

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// Weights with other content, but the same path, size and time, have another digest, for every
// kind of path.
func TestReplacedWeights(t *testing.T) {
	root := isolate(t)
	then := time.Unix(1_700_000_000, 5)
	folders := []string{filepath.Join(root, "one"), filepath.Join(root, "two")}
	for i, folder := range folders {
		weights := strings.ReplaceAll(tensorFile("a"), "1234", []string{"1234", "5678"}[i])
		put(t, folder, map[string]string{"m.gguf": "GGUF " + []string{"one", "two"}[i], "flan/config.json": "{}", "flan/tokenizer.json": "{}", "flan/model.safetensors": weights})
		for _, name := range []string{"m.gguf", "flan/config.json", "flan/tokenizer.json", "flan/model.safetensors"} {
			if err := os.Chtimes(filepath.Join(folder, name), then, then); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := filepath.Join(root, "model")
	for _, inside := range []string{"m.gguf", "flan", "flan/model.safetensors"} {
		sums := map[string]bool{}
		for range 2 {
			for _, folder := range folders {
				os.Remove(link)
				if err := os.Symlink(filepath.Join(folder, inside), link); err != nil {
					t.Fatal(err)
				}
				ref := link
				if inside == "flan/model.safetensors" {
					os.Remove(link)
					if err := os.Symlink(filepath.Join(folder, "flan"), link); err != nil {
						t.Fatal(err)
					}
					ref = filepath.Join(link, "model.safetensors")
				}
				m, err := Resolve(t.Context(), ref, Options{})
				if err != nil {
					t.Fatal(err)
				}
				sums[m.SHA256] = true
			}
		}
		if len(sums) != 2 {
			t.Errorf("%s: two models have %d digests", inside, len(sums))
		}
	}
}

// A model that contains a device or a pipe, which may never end, is an error.
func TestOnlyRegularFiles(t *testing.T) {
	root := isolate(t)
	pipe := filepath.Join(root, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{"/dev/zero": "device", pipe: "pipe"} {
		for _, name := range []string{"m.gguf", "model.safetensors", "config.json", "tokenizer.json", "model.safetensors.index.json"} {
			folder := t.TempDir()
			if name != "m.gguf" {
				put(t, folder, flan())
			}
			if name == "model.safetensors.index.json" {
				os.Remove(filepath.Join(folder, "model.safetensors"))
			}
			os.Remove(filepath.Join(folder, name))
			if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
			refs := []string{folder}
			if name == "m.gguf" || name == "model.safetensors" {
				refs = append(refs, filepath.Join(folder, name))
			}
			for _, ref := range refs {
				if m, err := Resolve(t.Context(), ref, Options{}); err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "is not a file") {
					t.Errorf("%s as %s, by %s: %+v, %v", target, name, filepath.Base(ref), m, err)
				}
			}
		}
	}
}

// Computing a digest stops when its context is cancelled.
func TestHashingIsCancelled(t *testing.T) {
	root := isolate(t)
	file := filepath.Join(root, "m.gguf")
	if err := os.WriteFile(file, []byte(tinyText), 0o600); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("cancelled by the test")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := Resolve(ctx, file, Options{}); !errors.Is(err, cause) {
		t.Error(err)
	}
}

// A cache that another user could write to is not used, and nothing is downloaded to it.
func TestUntrustedCache(t *testing.T) {
	for name, ref := range map[string]string{"pypi": "pypi:tiny-model==1.0", "pypi, newest": "pypi:tiny-model", "hub": "hf:org/tiny:tiny.gguf"} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			shared := otheruser.Dir(t)
			t.Setenv("FIRESTEEL_CACHE", shared)
			t.Setenv("HF_HOME", shared)
			otheruser.Run(t, `cd "$1"
				mkdir -p models/pypi/tiny-model/1.0 hub/models--org--tiny/blobs hub/models--org--tiny/refs hub/models--org--tiny/snapshots/`+commit+`
				echo forged >models/pypi/tiny-model/1.0/Tiny.gguf
				cd hub/models--org--tiny
				printf `+commit+` >refs/main
				echo forged >blobs/`+hexSum([]byte("forged\n"))+`
				ln -s ../../blobs/`+hexSum([]byte("forged\n"))+` snapshots/`+commit+`/tiny.gguf`, shared)
			body := wheel(t, "tiny/Tiny.gguf", tinyText)
			packageIndex(t, body, hexSum(body))
			newHub(t, "tiny.gguf")
			var untrusted *privatefile.UntrustedError
			if m, err := Resolve(t.Context(), ref, options()); !errors.As(err, &untrusted) {
				t.Errorf("%+v, %v; want an UntrustedError", m, err)
			}
		})
	}
}

// A file in a cache that differs from the downloaded file is an error.
func TestModifiedCache(t *testing.T) {
	for name, ref := range map[string]string{"pypi": "pypi:tiny-model==1.0", "hub": "hf:org/tiny:tiny.gguf", "hub, a small file": "hf:org/tiny:model.safetensors"} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			if name == "pypi" {
				body := wheel(t, "tiny/Tiny.gguf", tinyText)
				packageIndex(t, body, hexSum(body))
			} else if h := newHub(t, "tiny.gguf"); strings.HasSuffix(ref, "safetensors") {
				h.files, h.texts = []string{"config.json", "tokenizer.json", "model.safetensors"}, flan()
			}
			m, err := Resolve(t.Context(), ref, options())
			if err != nil {
				t.Fatal(err)
			}
			file := m.Path
			if len(m.Files) > 0 {
				file = filepath.Join(m.Path, "config.json")
			}
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)-1] ^= 1
			if err := errors.Join(os.WriteFile(file, text, 0o600), os.Chtimes(file, info.ModTime(), info.ModTime())); err != nil {
				t.Fatal(err)
			}
			var wrong *fetch.SumError
			if m, err := Resolve(t.Context(), ref, options()); err == nil || !errors.As(err, &wrong) && !strings.Contains(err.Error(), "has been changed") || !strings.Contains(err.Error(), "to download it again") {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}
