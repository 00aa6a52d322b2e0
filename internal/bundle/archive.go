package bundle

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"
)

// Archive is an archive to write. Equal content gives equal bytes, so that the
// digest identifies the archive.
type Archive struct {
	Manifest Manifest
	// Programs are the worker's executables, one for each kind of processor. It is
	// empty for the archive of a role.
	Programs []Program
	// ModelPaths are the paths of the manifest's models: files or folders. The
	// path of a model that has a Place or an Endpoint is ignored.
	ModelPaths []string
}

// Program is an executable of the worker.
type Program struct {
	Path string
	CPU  string // the value of GOARCH: "amd64", "arm64"
}

// launcher is the script that runs the program for the executor's processor, if
// there are several programs. Executors need a shell in this case only.
const launcher = `#!/bin/sh
case $(uname -m) in
x86_64 | amd64) cpu=amd64 ;;
aarch64 | arm64) cpu=arm64 ;;
*) cpu=$(uname -m) ;;
esac
program=${0%/*}/firesteel-$cpu
if [ ! -x "$program" ]; then
	echo "firesteel: the archive has no program for this executor's processor, $cpu; ship one with spark.WithProgram" >&2
	exit 1
fi
exec "$program" "$@"
`

// WriteTo writes the archive as tar.gz. The gzip stream is not compressed,
// because compression takes time and does not make weights smaller. WriteTo
// returns an error if a file of a model changed after the manifest was made.
func (a Archive) WriteTo(w io.Writer) (int64, error) { return a.write(w, true) }

// Size returns the number of bytes that WriteTo writes.
func (a Archive) Size() (int64, error) { return a.write(io.Discard, false) }

func (a Archive) write(w io.Writer, compare bool) (int64, error) {
	counter := &countingWriter{w: w}
	zip, err := gzip.NewWriterLevel(counter, gzip.NoCompression)
	if err != nil {
		return 0, err
	}
	out := tar.NewWriter(zip)
	manifest, err := json.MarshalIndent(a.Manifest, "", "  ")
	if err != nil {
		return 0, err
	}
	if err := addBytes(out, ManifestName, 0o644, append(manifest, '\n')); err != nil {
		return counter.n, err
	}
	if err := a.addPrograms(out); err != nil {
		return counter.n, err
	}
	for i := range a.Manifest.Models {
		m := &a.Manifest.Models[i]
		if m.Place != "" || m.Endpoint != nil {
			continue
		}
		for _, f := range m.Parts() {
			want := ""
			if compare {
				want = f.SHA256
			}
			if err := addFile(out, path.Join(ModelDir, m.Dir(), m.File, f.Name), 0o644, filepath.Join(a.ModelPaths[i], f.Name), want); err != nil {
				return counter.n, err
			}
		}
	}
	if err := out.Close(); err != nil {
		return counter.n, err
	}
	return counter.n, zip.Close()
}

func (a Archive) addPrograms(out *tar.Writer) error {
	if len(a.Programs) == 0 {
		return nil
	}
	if len(a.Programs) == 1 {
		return addFile(out, "bin/firesteel", 0o755, a.Programs[0].Path, "")
	}
	if err := addBytes(out, "bin/firesteel", 0o755, []byte(launcher)); err != nil {
		return err
	}
	for _, p := range a.Programs {
		if err := addFile(out, "bin/firesteel-"+p.CPU, 0o755, p.Path, ""); err != nil {
			return err
		}
	}
	return nil
}

// Digest returns the SHA-256 of the manifest, which has the digests of the
// models' files, and of the programs. It does not read the models.
func (a Archive) Digest() (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(a.Manifest); err != nil {
		return "", err
	}
	for _, p := range a.Programs {
		if err := hashProgram(h, p); err != nil {
			return "", fmt.Errorf("reading the program to ship: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hashProgram(h io.Writer, p Program) error {
	f, err := os.Open(p.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// The size separates one program from the next.
	fmt.Fprintf(h, "%s %d\n", p.CPU, info.Size())
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	return nil
}

func header(name string, mode, size int64) *tar.Header {
	return &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size,
		ModTime: time.Unix(0, 0), // equal content gives equal bytes
	}
}

func addBytes(out *tar.Writer, name string, mode int64, b []byte) error {
	if err := out.WriteHeader(header(name, mode, int64(len(b)))); err != nil {
		return err
	}
	_, err := out.Write(b)
	return err
}

// addFile adds a file. Its SHA-256 must be want, unless want is empty.
func addFile(out *tar.Writer, name string, mode int64, from, want string) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("packing %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("packing %s: %w", name, err)
	}
	if err := out.WriteHeader(header(name, mode, info.Size())); err != nil {
		return err
	}
	var to io.Writer = out
	h := sha256.New()
	if want != "" {
		to = io.MultiWriter(out, h)
	}
	if _, err := io.Copy(to, f); err != nil {
		return fmt.Errorf("packing %s from %s: %w", name, from, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); want != "" && got != want {
		return fmt.Errorf("packing %s: %s changed after the session was opened: its SHA-256 is %s and was %s; open the session again", name, from, got, want)
	}
	return nil
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
