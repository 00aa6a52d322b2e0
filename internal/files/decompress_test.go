package files

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// xzed3 is "a,b\n1,2\n", "3,4\n" and "5,6\n" by xz 5.4.1, one after the other: with CRC64; with SHA-256; and with CRC32, a
// dictionary of 4 KiB and the filter for x86.
var xzed3 = string(unhex("fd377a585a000004e6d6b4460200210116000000742fe5a3010007612c620a312c320a00be9cbd49b5122afe00012008bb19d9bb1fb6f37d010000000004595a" +
	"fd377a585a00000ae1fb0ca10200210116000000742fe5a3010003332c340a0035aa7c730f02c510f18ee96342a374749b80cf1c9f4c4ff57c159be4620b61d300013404c582c19c189b4b9a01000000000a595a" +
	"fd377a585a0000016922de360201040021010000da33ad03010003352c360a0060102fbe000118046be9f0a59042990d010000000001595a"))

// xzedLarge is "a,b\n1,2\n" by xz --lzma2=dict=129MiB.
var xzedLarge = string(unhex("fd377a585a000004e6d6b446020021011f000000fe60edde010007612c620a312c320a00be9cbd49b5122afe00012008bb19d9bb1fb6f37d010000000004595a"))

// An xz file of several streams is read whole, also without the ending of its name.
func TestXZ(t *testing.T) {
	for _, name := range []string{"a.csv.xz", "a.csv"} {
		got, err := table(t, save(t, name, xzed3), ReadOptions{})
		if want := "a int64, b int64\n1|2\n3|4\n5|6"; err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := FormatOf("out.csv.xz"); err == nil || !strings.Contains(err.Error(), "xz files are read only") {
		t.Error(err)
	}
}

// Every change of a byte of an xz file is detected, and every truncation.
func TestDamagedXZ(t *testing.T) {
	read := func(content []byte) error {
		r, err := newUnxz(bytes.NewReader(content))
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		return err
	}
	if err := read([]byte(xzed3)); err != nil {
		t.Fatal(err)
	}
	for i := range len(xzed3) {
		damaged := []byte(xzed3)
		damaged[i] ^= 1
		if read(damaged) == nil {
			t.Errorf("byte %d is changed", i)
		}
		// The first two streams are complete files of 64 and 84 bytes.
		if read([]byte(xzed3[:i])) == nil && i != 64 && i != 148 {
			t.Errorf("the file ends at byte %d", i)
		}
	}
}

// FuzzDecompress reads any bytes, whole and byte by byte, in the compression that their first bytes show.
func FuzzDecompress(f *testing.F) {
	for _, s := range []string{xzed3, xzedLarge, bzipped2} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		rewrite(t, content, ReadOptions{Format: Text, Encoding: "latin1"}, CSV)
	})
}
