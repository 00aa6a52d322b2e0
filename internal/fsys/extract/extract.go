// Package extract takes files out of archives that are not trusted: no name
// leads out of the target folder, no link is followed, and nothing is larger
// than it said or than it may be. What is written is for this user alone.
package extract

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	// Twice as fast as the standard library's, which shows on 450 MB.
	"github.com/klauspost/compress/gzip"
)

// Limits bound what an archive may hold.
type Limits struct {
	Files int   // files taken out
	Bytes int64 // of all files taken out together
}

// Error classes; the archive's entry stands in the text.
var (
	ErrUnsafe  = errors.New("unsafe entry in the archive")
	ErrLimit   = errors.New("the archive is larger than it may be")
	ErrCorrupt = errors.New("the archive is damaged or cut off")
)

// TarGz unpacks a gzip-compressed tar archive below dir. keep maps an entry's
// cleaned name to the path below dir that it shall get, or to "" to leave it
// out. It returns how many files it wrote. Links and devices are left out.
func TarGz(ctx context.Context, r io.Reader, dir string, limits Limits, keep func(name string) string) (int, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	archive := tar.NewReader(unzipped)
	files, left := 0, limits.Bytes
	for {
		if err := context.Cause(ctx); err != nil {
			return files, err
		}
		entry, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return files, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if err := safe(entry.Name); err != nil {
			return files, err
		}
		if entry.Typeflag != tar.TypeReg {
			continue
		}
		target := keep(path.Clean(entry.Name))
		if target == "" {
			continue
		}
		if err := safe(target); err != nil {
			return files, err
		}
		if files++; files > limits.Files {
			return files, fmt.Errorf("%w: more than %d files", ErrLimit, limits.Files)
		}
		if entry.Size > left {
			return files, fmt.Errorf("%w: %s exceeds %d bytes in all", ErrLimit, entry.Name, limits.Bytes)
		}
		left -= entry.Size
		mode := os.FileMode(0o600)
		if entry.Mode&0o111 != 0 {
			mode = 0o700
		}
		if err := write(archive, filepath.Join(dir, filepath.FromSlash(target)), entry.Size, mode); err != nil {
			return files, fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	// The gzip checksum comes after the last tar block.
	if _, err := io.Copy(io.Discard, io.LimitReader(unzipped, 1<<30)); err != nil {
		return files, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return files, nil
}

// ZipMember writes one file of a zip archive to target, through wrap if that
// is not nil. Its checksum is checked on the way.
func ZipMember(member *zip.File, target string, limit int64, wrap func(io.Reader) io.Reader) error {
	if err := safe(member.Name); err != nil {
		return err
	}
	if !member.Mode().IsRegular() {
		return fmt.Errorf("%w: %q is not a plain file", ErrUnsafe, member.Name)
	}
	if member.UncompressedSize64 > uint64(limit) {
		return fmt.Errorf("%w: %s has %d bytes, limit %d", ErrLimit, member.Name, member.UncompressedSize64, limit)
	}
	body, err := member.Open()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, member.Name, err)
	}
	defer body.Close()
	var r io.Reader = body
	if wrap != nil {
		r = wrap(r)
	}
	size := int64(member.UncompressedSize64)
	if err := write(r, target, size, 0o600); err != nil {
		return fmt.Errorf("%s: %w", member.Name, err)
	}
	// Only reading to the end makes the zip reader compare the checksum.
	if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		os.Remove(target)
		return fmt.Errorf("%w: %s: %v", ErrCorrupt, member.Name, err)
	}
	return nil
}

// safe holds names to the rule that they stay below the folder they are
// joined to, on every system.
func safe(name string) error {
	clean := path.Clean(name)
	switch {
	case name == "", len(name) > 4096, strings.ContainsAny(name, "\\\x00"), path.IsAbs(name), !filepath.IsLocal(filepath.FromSlash(clean)):
		return fmt.Errorf("%w: %q", ErrUnsafe, name)
	}
	// A drive letter or alternate stream, on Windows.
	if strings.Contains(name, ":") {
		return fmt.Errorf("%w: %q", ErrUnsafe, name)
	}
	return nil
}

func write(r io.Reader, target string, size int64, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	// O_EXCL: no file is written twice, and no link is written through.
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: there twice", ErrUnsafe)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(r, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		os.Remove(target)
		var file *os.PathError
		if errors.As(err, &file) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return f.Close()
}

// Counted reports how many bytes of r were read.
func Counted(r io.Reader, report func(total int64)) io.Reader { return &counted{r, 0, report} }

type counted struct {
	r      io.Reader
	n      int64
	report func(int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	c.report(c.n)
	return n, err
}
