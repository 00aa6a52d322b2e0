package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func entry(i int) Entry {
	return Entry{
		Key: keyOf(i), Time: time.Unix(1_800_000_000, 1000*int64(i)).UTC(),
		Function: []string{"ai_gen", "ai_classify"}[i%2], Model: "a model",
		Answer: []byte(strings.Repeat(fmt.Sprintf(`{"value":"%d"}`, i), 1+i%7)),
	}
}

func keyOf(i int) Key { return sha256.Sum256(fmt.Append(nil, i)) }

func TestParseKey(t *testing.T) {
	want := keyOf(1)
	if got, err := ParseKey(fmt.Sprintf("%x", want)); err != nil || got != want {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
	for _, text := range []string{"", "ab", strings.Repeat("g", 64), strings.Repeat("a", 65)} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%q is read as a key", text)
		}
	}
}

func opened(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func put(t *testing.T, l *Ledger, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := l.Put(entry(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// holds returns how many of the first n entries the ledger has, all complete.
func holds(t *testing.T, l *Ledger, n int) (have int) {
	t.Helper()
	for i := range n {
		e, found, err := l.Get(keyOf(i))
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			continue
		}
		if !bytes.Equal(e.Answer, entry(i).Answer) || !e.Time.Equal(entry(i).Time) {
			t.Fatalf("entry %d is %+v", i, e)
		}
		have++
	}
	return have
}

func closed(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func small(t *testing.T, bytes int64) {
	was := maxSegment
	maxSegment = bytes
	t.Cleanup(func() { maxSegment = was })
}

func TestAnswersOutliveTheLedger(t *testing.T) {
	small(t, 10_000)
	dir := filepath.Join(t.TempDir(), "new", "ledger")
	l := opened(t, dir)
	put(t, l, 0, 1000)
	if n := holds(t, l, 1100); n != 1000 {
		t.Errorf("before closing: %d", n)
	}
	closed(t, l)
	l = opened(t, dir)
	put(t, l, 1000, 1100)
	if n := holds(t, l, 1100); n != 1100 {
		t.Errorf("after opening again: %d", n)
	}
	if len(l.others) < 5 || l.own.index != nil {
		t.Errorf("%d full segments", len(l.others))
	}
	closed(t, l)
	if left, _ := filepath.Glob(filepath.Join(dir, "*.lock")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// After a crash in the last segment the complete records are read, the torn one is
// not, and new records follow the complete ones.
func TestCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	put(t, l, 0, 3)
	closed(t, l)
	whole, err := os.ReadFile(filepath.Join(dir, "00000001.log"))
	if err != nil {
		t.Fatal(err)
	}
	var ends []int
	for i := range 3 {
		e, last := entry(i), 0
		if i > 0 {
			last = ends[i-1]
		}
		ends = append(ends, last+len(appendRecord(nil, &e)))
	}
	for cut := range len(whole) + 1 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "00000001.log"), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for want < len(ends) && ends[want] <= cut {
			want++
		}
		l := opened(t, dir)
		if have := holds(t, l, 3); have != want {
			t.Fatalf("cut at %d: %d entries, want %d", cut, have, want)
		}
		put(t, l, want, 4)
		closed(t, l)
		l = opened(t, dir)
		if have := holds(t, l, 4); have != 4 || l.Damaged() != 0 {
			t.Fatalf("cut at %d and written again: %d entries, %d bytes damaged", cut, have, l.Damaged())
		}
		closed(t, l)
	}
}

// A wrong byte invalidates its own record and no other.
func TestWrongBytes(t *testing.T) {
	small(t, 1000)
	made := t.TempDir()
	l := opened(t, made)
	put(t, l, 0, 20)
	closed(t, l)
	names, _ := filepath.Glob(filepath.Join(made, "*"))
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(content); at += 1 + len(content)/23 {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
				t.Fatal(err)
			}
			wrong := slices.Clone(content)
			wrong[at] ^= 0x40
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), wrong, 0o600); err != nil {
				t.Fatal(err)
			}
			l := opened(t, dir)
			if have := holds(t, l, 20); have < 19 {
				t.Fatalf("byte %d of %s: only %d entries are left", at, filepath.Base(name), have)
			}
			closed(t, l)
		}
	}
}

func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	a := opened(t, dir)
	put(t, a, 0, 10)
	b := opened(t, dir)
	if n := holds(t, b, 10); n != 10 {
		t.Errorf("the second sees %d of 10", n)
	}
	put(t, b, 10, 20)
	put(t, a, 20, 30)
	if _, err := Drop(t.Context(), dir, func(Entry) bool { return true }); err == nil || !strings.Contains(err.Error(), fmt.Sprint("in use by process ", os.Getpid())) {
		t.Errorf("dropping from a ledger in use: %v", err)
	}
	closed(t, a)
	closed(t, b)
	l := opened(t, dir)
	if n := holds(t, l, 30); n != 30 {
		t.Errorf("%d of 30", n)
	}
	closed(t, l)
}

func TestDrop(t *testing.T) {
	small(t, 2000)
	dir := t.TempDir()
	l := opened(t, dir)
	put(t, l, 0, 100)
	closed(t, l)
	dropped, err := Drop(t.Context(), dir, func(e Entry) bool { return e.Function == "ai_gen" })
	if err != nil || dropped != 50 {
		t.Fatalf("dropped %d, %v", dropped, err)
	}
	var left []Entry
	if err := Walk(dir, func(e Entry) error {
		e.Answer = slices.Clone(e.Answer)
		left = append(left, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, e := range left {
		if want := entry(2*i + 1); e.Key != want.Key || !e.Time.Equal(want.Time) || e.Model != want.Model || !bytes.Equal(e.Answer, want.Answer) {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
	l = opened(t, dir)
	if n := holds(t, l, 100); n != 50 || len(left) != 50 {
		t.Errorf("%d are left, %d found", len(left), n)
	}
	closed(t, l)
	if dropped, err := Drop(t.Context(), dir, func(Entry) bool { return true }); err != nil || dropped != 50 {
		t.Errorf("dropped %d, %v", dropped, err)
	}
	if err := Walk(dir, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty ledger: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "letter.txt, which is not part of a ledger") {
		t.Errorf("a folder with other files: %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "letter.txt")); err == nil {
		t.Error("a file is opened as a ledger")
	}
	if err := Walk(filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	l := opened(t, filepath.Join(dir, "l"))
	big := entry(1)
	big.Answer = make([]byte, maxBody)
	if err := l.Put(big, entry(2)); err != nil {
		t.Fatal(err)
	}
	if n := holds(t, l, 3); n != 1 {
		t.Errorf("%d answers, want the one that fits", n)
	}
	closed(t, l)
}

func FuzzScan(f *testing.F) {
	var good []byte
	for i := range 3 {
		e := entry(i)
		good = appendRecord(good, &e)
	}
	f.Add(good)
	f.Add(append(slices.Clone(good[:60]), good...))
	f.Add([]byte("\xf5FS1\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		s, err := scan(bytes.NewReader(b), int64(len(b)), func(offset int64, e Entry) error {
			at, err := readAt(bytes.NewReader(b), offset)
			if err != nil || at.Key != e.Key || !bytes.Equal(at.Answer, e.Answer) {
				t.Errorf("offset %d: %v", offset, err)
			}
			again = appendRecord(again, &e)
			return nil
		})
		if err != nil || s.end > int64(len(b)) || s.end-s.damaged != int64(len(again)) {
			t.Errorf("%+v of %d bytes, %d in records: %v", s, len(b), len(again), err)
		}
	})
}

func FuzzIndex(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x")
	places := map[short]uint32{}
	for i := range 9 {
		places[keyOf(i).short()] = uint32(i)
	}
	if err := writeIndex(path, 77, places); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, 3)
	f.Add(good[:len(good)-1], 3)
	f.Fuzz(func(t *testing.T, b []byte, i int) {
		var x index
		if x.readHead(bytes.NewReader(b), int64(len(b)), 77) != nil {
			return
		}
		at, found, err := x.find(bytes.NewReader(b), keyOf(i).short())
		if err != nil || bytes.Equal(b, good) && (i >= 0 && i < 9) != (found && at == int64(i)) {
			t.Errorf("key %d: %d %v %v", i, at, found, err)
		}
	})
}

// The bytes of an invalid record are counted, and the other records stay.
func TestDamagedBytesAreCounted(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	put(t, l, 0, 3)
	closed(t, l)
	path := filepath.Join(dir, "00000001.log")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for i := range 3 {
		e := entry(i)
		sizes = append(sizes, len(appendRecord(nil, &e)))
	}
	whole[sizes[0]+sizes[1]/2] ^= 1
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l = opened(t, dir)
	if have := holds(t, l, 3); have != 2 || l.Damaged() != int64(sizes[1]) {
		t.Errorf("%d entries, %d bytes damaged, want 2 and %d", have, l.Damaged(), sizes[1])
	}
	closed(t, l)
}
