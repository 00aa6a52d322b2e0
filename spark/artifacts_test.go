package spark

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	batchLayout = "*pb.AddArtifactsRequest_Batch_"
	beginLayout = "*pb.AddArtifactsRequest_BeginChunk"
	chunkLayout = "*pb.AddArtifactsRequest_Chunk"
)

func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

func TestUploadLayouts(t *testing.T) {
	for name, c := range map[string]struct {
		sizes   []int
		layouts []string
	}{
		"empty":             {[]int{0}, []string{batchLayout}},
		"one chunk":         {[]int{chunkSize}, []string{batchLayout}},
		"one byte more":     {[]int{chunkSize + 1}, []string{beginLayout, chunkLayout}},
		"three chunks":      {[]int{3 * chunkSize}, []string{beginLayout, chunkLayout, chunkLayout}},
		"small ones":        {[]int{10, 20, 30}, []string{batchLayout}},
		"more than a batch": {[]int{chunkSize - 5, 6}, []string{batchLayout, batchLayout}},
		"mixed":             {[]int{10, chunkSize + 1, 10}, []string{batchLayout, beginLayout, chunkLayout, batchLayout}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s, _ := f.start(t, "")
			var artifacts []artifact
			var total int64
			for i, n := range c.sizes {
				total += int64(n)
				artifacts = append(artifacts, artifact{"files/" + string(rune('a'+i)), ArtifactFromBytes(content(n))})
			}
			var last int64
			err := s.upload(t.Context(), artifacts, func(done, of int64) {
				if done < last || of != total {
					t.Errorf("progress %d of %d after %d", done, of, last)
				}
				last = done
			})
			if err != nil || last != total {
				t.Errorf("%v after %d bytes of %d", err, last, total)
			}
			if !slices.Equal(f.layouts, c.layouts) {
				t.Errorf("layouts %q", f.layouts)
			}
			for i, n := range c.sizes {
				if !bytes.Equal(f.blobs[artifacts[i].name], content(n)) {
					t.Errorf("artifact %d arrived differently", i)
				}
			}
		})
	}
}

func TestUploadDamaged(t *testing.T) {
	f := newFake(t)
	f.damage = 2
	s, _ := f.start(t, "")
	file := []artifact{{"files/x", ArtifactFromBytes(content(chunkSize + 9))}}
	if err := s.upload(t.Context(), file, nil); err != nil || f.count("upload") != 3 {
		t.Errorf("%v after %q", err, f.calls)
	}
	f = newFake(t)
	f.damage = 99
	s, _ = f.start(t, "")
	if err := s.upload(t.Context(), file, nil); !errors.Is(err, ErrUploadCorrupted) || !strings.Contains(err.Error(), "files/x") {
		t.Errorf("%v", err)
	}
}

func TestUploadSourceFails(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	short := ArtifactFromBytes(content(chunkSize * 2))
	short.Size += 100
	if _, err := s.AddFile(t.Context(), short, "x", nil); err == nil || !strings.Contains(err.Error(), "has 524288 bytes, but its Size is 524388") {
		t.Errorf("%v", err)
	}
	short.SHA256 = strings.Repeat("0", 64) // so that only the upload reads it
	if _, err := s.AddFile(t.Context(), short, "x", nil); err == nil || !strings.Contains(err.Error(), "ended 100 bytes early") {
		t.Errorf("%v", err)
	}
	broken := ArtifactSource{Size: 5, Open: func() (io.ReadCloser, error) { return nil, errors.New("no such thing") }}
	if _, err := s.AddFile(t.Context(), broken, "x", nil); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("%v", err)
	}
	if len(f.blobs) != 0 {
		t.Error("a part of a source was stored")
	}
}

// Spark 3.5 refuses a name that exists with an error without a message.
func TestUploadOfExistingName(t *testing.T) {
	f := newFake(t)
	f.uploaded = status.Error(codes.Unknown, "")
	s, _ := f.start(t, "")
	_, err := s.AddFile(t.Context(), ArtifactFromBytes(content(9)), "x", nil)
	if err == nil || !strings.Contains(err.Error(), "files/x: the session may have other content under that name") || !strings.Contains(err.Error(), "without a message") {
		t.Errorf("%v", err)
	}
}

// The error of a Spark whose disk is full gets a hint.
func TestUploadToFullDisk(t *testing.T) {
	f := newFake(t)
	f.uploaded = sparkError(codes.Internal, "Missing data chunks for artifact: files/x. Expected 6 chunks and received 2 chunks. Processed 9 bytes out of 20 bytes.", "", nil)
	s, _ := f.start(t, "")
	_, err := s.AddFile(t.Context(), ArtifactFromBytes(content(9)), "x", nil)
	if err == nil || !strings.Contains(err.Error(), "upload of files/x: Missing data chunks") || !strings.Contains(err.Error(), "Check the free space") {
		t.Errorf("%v", err)
	}
}

func TestArchiveIsUploadedOnce(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	first, second := ArtifactFromBytes(content(10)), ArtifactFromBytes(content(11))
	for i, c := range []struct {
		from    ArtifactSource
		name    string
		already bool
	}{
		{first, "a.tar.gz#a", false},
		{first, "a.tar.gz#a", true},
		{second, "a.tar.gz#a", false}, // other content
		{first, "a.tar.gz#b", false},  // another folder
		{first, "a.tar.gz#b", true},
	} {
		already, err := s.AddArchive(t.Context(), c.from, c.name, nil)
		if err != nil || already != c.already {
			t.Errorf("%d: %v, %v", i, already, err)
		}
	}
	for _, name := range []string{"", "a", "a.txt", "x/a.zip", "../a.zip", "a.zip#", "a.zip#x/y", "a.zip#..", "a.zip#b#c"} {
		if _, err := s.AddArchive(t.Context(), first, name, nil); err == nil {
			t.Errorf("the name %q was accepted", name)
		}
	}
	if _, err := s.AddFile(t.Context(), first, "a/b", nil); err == nil {
		t.Error("a name with a folder was accepted")
	}
	for _, want := range []bool{false, true} {
		if already, err := s.AddFile(t.Context(), first, "a.zip", nil); already != want || err != nil {
			t.Errorf("file: %v, %v", already, err)
		}
	}
	// Cache entries that exist are not sent again.
	before := f.count("upload")
	for range 2 {
		name, err := s.CacheArtifact(t.Context(), []byte("x"))
		if want := cacheName([]byte("x")); err != nil || name != want || f.count("upload") != before+1 {
			t.Errorf("%s, %v after %q; want %s", name, err, f.calls, want)
		}
	}
}

// A Spark with spark.io.encryption.enabled accepts archives, but no cache
// entries.
func TestUploadToEncryptedCache(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	f.refused = "cache/"
	for range 2 { // without a marker it is uploaded again
		if already, err := s.AddArchive(t.Context(), ArtifactFromBytes(content(10)), "a.zip", nil); err != nil || already {
			t.Errorf("archive: %v, %v", already, err)
		}
	}
	if len(f.blobs) != 1 {
		t.Errorf("the server has %d artifacts", len(f.blobs))
	}
	if _, err := s.CacheArtifact(t.Context(), content(10)); err == nil || !strings.Contains(err.Error(), "spark.io.encryption.enabled cannot store rows") {
		t.Errorf("cache entry: %v", err)
	}
	f.refused = ""
	f.uploaded = sparkError(codes.Internal, "no space left", "", nil)
	if _, err := s.AddArchive(t.Context(), ArtifactFromBytes(content(11)), "b.zip", nil); err == nil {
		t.Error("another upload error was ignored")
	}
}
