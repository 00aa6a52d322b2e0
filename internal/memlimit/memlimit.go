// Package memlimit knows how much memory this process may have: the limits of
// its control groups (containers, Kubernetes, YARN, systemd) and of its address
// space (ulimit -v). The system ends a process that goes beyond the first
// without a word, and Go one that goes beyond the second with a dump; so what
// is large asks before.
package memlimit

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"sync"
)

// Limit is a bound on memory, in bytes.
type Limit struct {
	Bytes int64
	Used  int64  // of it, as far as that cannot be given back
	Name  string // what sets it, for people
	Raise string // how it is raised
	// Addresses: it is of addresses, which need not be memory.
	Addresses bool
}

// Read gives the limits that hold for this process. A test may put others in
// its place.
var Read = limits

// Error is why there is no room.
type Error struct {
	Need  int64 // bytes that are needed more
	What  string
	Limit Limit
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s takes %s, but %s allows %s, of which %s are in use: give at least %s (%s), or take a smaller model",
		e.What, size(e.Need), e.Limit.Name, size(e.Limit.Bytes), size(e.Limit.Used), size(e.Limit.Used+e.Need+e.Need/8), e.Limit.Raise)
}

func size(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }

// Check says whether bytes more can be had, all of which will be touched.
func Check(what string, bytes int64) error {
	for _, l := range Read() {
		if bytes > l.Bytes-l.Used {
			return &Error{bytes, what, l}
		}
	}
	return nil
}

// leastSpace is how much address space a Go program wants beyond what it has
// when it starts, whose memory it does not use: below that Go ends in a dump.
const leastSpace = 64 << 20

// Start refuses limits in which this program cannot work at all, and then is
// Set.
func Start() error {
	for _, l := range Read() {
		if l.Addresses && l.Bytes-l.Used < leastSpace {
			return fmt.Errorf("the address space of this process is limited to %s, of which Go reserves %s without using them as memory: give at least %s (%s), or limit its memory by a container instead",
				size(l.Bytes), size(l.Used), size(l.Used+8*leastSpace), l.Raise)
		}
	}
	Set()
	return nil
}

var (
	mu       sync.Mutex
	total    int64 // that the process may have; 0 if nothing is set
	reserved int64 // outside of Go's heap
)

// Set has Go's collector keep the heap within the least limit, less what is
// reserved outside of it and a part for what neither counts, unless GOMEMLIMIT
// says otherwise. It gives Go's limit, or 0 if none is set.
func Set() int64 {
	if os.Getenv("GOMEMLIMIT") != "" {
		return 0
	}
	least := int64(math.MaxInt64)
	for _, l := range Read() {
		least = min(least, l.Bytes)
	}
	if least == math.MaxInt64 {
		return 0
	}
	return SetTo(least)
}

// SetTo is Set for a limit that a person gives.
func SetTo(bytes int64) int64 {
	mu.Lock()
	defer mu.Unlock()
	total = bytes
	return apply()
}

// Reserve counts memory outside of Go's heap; a minus gives it back.
func Reserve(bytes int64) {
	mu.Lock()
	defer mu.Unlock()
	reserved += bytes
	if total > 0 {
		apply()
	}
}

// leastHeap is left to Go however much is reserved: with less it would do
// nothing but collect.
const leastHeap = 64 << 20

// apply is called with the lock held.
func apply() int64 {
	heap := max(total-total/8-reserved, leastHeap)
	debug.SetMemoryLimit(heap)
	return heap
}
