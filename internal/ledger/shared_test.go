package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// shared opens a new shared ledger several times, as several executors do.
func shared(t *testing.T, dir string) *Ledger {
	t.Helper()
	id, err := Prepare(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := OpenShared(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Several processes write to a shared ledger at the same time. After a refresh each
// has all answers, also those in full segments, and so has a ledger with locks.
func TestSharedWriters(t *testing.T) {
	small(t, 3000)
	dir := filepath.Join(t.TempDir(), "ledger")
	const writers, each = 4, 100
	var all []*Ledger
	for range writers {
		all = append(all, shared(t, dir))
	}
	var wait sync.WaitGroup
	for w, l := range all {
		wait.Go(func() {
			for i := range each {
				if err := l.Put(entry(w*each + i)); err != nil {
					t.Error(err)
				}
				if err := l.Refresh(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	all = append(all, shared(t, dir), opened(t, dir))
	for i, l := range all {
		if i < writers {
			if err := l.Refresh(); err != nil {
				t.Fatal(err)
			}
		}
		if n := holds(t, l, writers*each); n != writers*each {
			t.Errorf("ledger %d has %d answers of %d", i, n, writers*each)
		}
	}
	put(t, all[writers+1], 1000, 1001) // the one with locks
	if err := all[0].Refresh(); err != nil {
		t.Fatal(err)
	}
	if _, found, err := all[0].Get(keyOf(1000)); !found || err != nil {
		t.Errorf("an answer of a ledger with locks: %v, %v", found, err)
	}
	indexes, err := filepath.Glob(filepath.Join(dir, sharedPrefix+"*.idx"))
	if err != nil || len(indexes) < writers {
		t.Errorf("%d full segments, %v", len(indexes), err)
	}
}

// A segment that grows byte by byte, as a file system shows it, never gives a wrong
// answer, and each answer as soon as it is whole.
func TestSharedTail(t *testing.T) {
	from := filepath.Join(t.TempDir(), "ledger")
	l := shared(t, from)
	put(t, l, 0, 4)
	logs, err := filepath.Glob(filepath.Join(from, "w-*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	content, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	reader := shared(t, dir)
	path := filepath.Join(dir, filepath.Base(logs[0]))
	var ends []int // of the records
	for i := range 4 {
		e := entry(i)
		ends = append(ends, len(appendRecord(nil, &e)))
		if i > 0 {
			ends[i] += ends[i-1]
		}
	}
	for n := range len(content) + 1 {
		if err := os.WriteFile(path, content[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := reader.Refresh(); err != nil {
			t.Fatal(err)
		}
		want := 0
		for want < len(ends) && ends[want] <= n {
			want++
		}
		if got := holds(t, reader, 4); got != want {
			t.Fatalf("of %d bytes: %d answers, want %d", n, got, want)
		}
	}
}

// An executor refuses a directory that is not the shared one.
func TestForeignLedger(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "ledger")
	id, err := Prepare(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Prepare(t.Context(), dir); again != id || err != nil {
		t.Errorf("the id changes: %q, %v", again, err)
	}
	empty := filepath.Join(root, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	var foreign *ForeignError
	if _, err := OpenShared(empty, id); !errors.As(err, &foreign) || foreign.Have != "" {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := OpenShared(dir, "other"); !errors.As(err, &foreign) || foreign.Have != id {
		t.Errorf("another ledger: %v", err)
	}
	if _, err := OpenShared(filepath.Join(root, "missing"), id); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
	if _, err := Prepare(t.Context(), filepath.Join(root, "no", "mount")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing parent: %v", err)
	}
}

// Drop refuses a shared ledger that is in use. A process that wrote to it before
// goes on with a new segment.
func TestDropShared(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	l := shared(t, dir)
	put(t, l, 0, 10)
	if _, err := Drop(t.Context(), dir, func(Entry) bool { return true }); err == nil {
		t.Error("dropped from a ledger that is in use")
	}
	defer func(d time.Duration) { quietTime = d }(quietTime)
	quietTime = 0
	if n, err := Drop(t.Context(), dir, func(e Entry) bool { return e.Key == keyOf(3) }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	if _, found, err := l.Get(keyOf(3)); found || err != nil {
		t.Errorf("after Drop: %v, %v", found, err)
	}
	put(t, l, 10, 20)
	if n := holds(t, shared(t, dir), 20); n != 19 {
		t.Errorf("%d answers, want 19", n)
	}
}

// Of processes that claim the same keys at the same time, at most one gets each,
// and after some tries all keys are done once.
func TestClaims(t *testing.T) {
	dir := t.TempDir()
	const processes, keys = 4, 40
	var mu sync.Mutex
	done, holding := map[Key]int{}, map[Key]bool{}
	var wait sync.WaitGroup
	for range processes {
		c, err := OpenClaims(dir)
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			for {
				var left []Key
				mu.Lock()
				for i := range keys {
					if done[keyOf(i)] == 0 {
						left = append(left, keyOf(i))
					}
				}
				mu.Unlock()
				if len(left) == 0 {
					return
				}
				left = left[:min(len(left), 7)]
				mine, err := c.Claim(left)
				if err != nil {
					t.Error(err)
					return
				}
				var held []Key
				mu.Lock()
				for i, k := range left {
					if !mine[i] {
						continue
					}
					if held = append(held, k); holding[k] {
						t.Errorf("two processes hold the key %d", i)
					}
					holding[k] = true
				}
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				for _, k := range held {
					done[k], holding[k] = done[k]+1, false
				}
				mu.Unlock()
				if err := c.Release(held); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// The claims of a process that was killed end.
func TestAbandonedClaims(t *testing.T) {
	defer func(d time.Duration) { claimEnds = d }(claimEnds)
	claimEnds = 50 * time.Millisecond
	dir := t.TempDir()
	killed, err := OpenClaims(dir)
	if err != nil {
		t.Fatal(err)
	}
	if mine, err := killed.Claim([]Key{keyOf(1)}); !mine[0] || err != nil {
		t.Fatal(mine, err)
	}
	other, err := OpenClaims(dir)
	if err != nil {
		t.Fatal(err)
	}
	if mine, err := other.Claim([]Key{keyOf(1), keyOf(2)}); fmt.Sprint(mine) != "[false true]" || err != nil {
		t.Errorf("%v, %v", mine, err)
	}
	time.Sleep(2 * claimEnds)
	if mine, err := other.Claim([]Key{keyOf(1)}); !mine[0] || err != nil {
		t.Errorf("after its end: %v, %v", mine, err)
	}
}
