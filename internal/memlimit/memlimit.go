// Package memlimit reads the memory limits of this process: those of its control
// groups (containers, Kubernetes, YARN, systemd) and of its address space
// (ulimit -v). The kernel kills a process that exceeds the first, and the Go
// runtime crashes if it exceeds the second, so large allocations call Check
// first.
package memlimit

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"sync"
)

// Limit is a limit on memory.
type Limit struct {
	Bytes int64  // the limit
	Used  int64  // bytes in use that the system cannot reclaim
	Name  string // what sets the limit, for messages
	Raise string // how to raise it, for messages
	// Addresses is true for a limit on address space rather than memory.
	Addresses bool
}

// Read returns the limits of this process. Tests may replace it.
var Read = limits

// Error reports an allocation that exceeds a limit.
type Error struct {
	Need  int64  // additional bytes that are needed
	What  string // what needs them
	Limit Limit
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s needs %s, but %s allows %s, of which %s are in use: allow at least %s (%s), or use a smaller model",
		e.What, size(e.Need), e.Limit.Name, size(e.Limit.Bytes), size(e.Limit.Used), size(e.Limit.Used+e.Need+e.Need/8), e.Limit.Raise)
}

func size(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }

// Check returns an *Error if bytes more, all of which will be written, exceed a
// limit.
func Check(what string, bytes int64) error {
	for _, l := range Read() {
		if bytes > l.Bytes-l.Used {
			return &Error{bytes, what, l}
		}
	}
	return nil
}

// minAddressSpace is the address space in bytes that a Go program needs beyond
// what it reserves at start. With less the Go runtime crashes.
const minAddressSpace = 64 << 20

// Start returns an error if the limits are too low for any work. Otherwise it
// calls Set.
func Start() error {
	for _, l := range Read() {
		if l.Addresses && l.Bytes-l.Used < minAddressSpace {
			return fmt.Errorf("the address space of this process is limited to %s, of which Go reserves %s without using them as memory: allow at least %s (%s), or limit the memory by a container instead",
				size(l.Bytes), size(l.Used), size(l.Used+8*minAddressSpace), l.Raise)
		}
	}
	Set()
	return nil
}

var (
	mu       sync.Mutex
	total    int64 // limit of the process; 0 means none
	reserved int64 // bytes outside of Go's heap
)

// Set sets the memory limit of Go's garbage collector to the smallest limit of
// the process, less an eighth and less the bytes of Reserve, unless GOMEMLIMIT
// is set. It returns the new limit in bytes, or 0 if it set none.
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

// SetTo is like Set for a limit that the user gives, in bytes.
func SetTo(bytes int64) int64 {
	mu.Lock()
	defer mu.Unlock()
	total = bytes
	return apply()
}

// Reserve adds bytes to the memory outside of Go's heap. A negative number
// releases it.
func Reserve(bytes int64) {
	mu.Lock()
	defer mu.Unlock()
	reserved += bytes
	if total > 0 {
		apply()
	}
}

// minHeap is the smallest memory limit in bytes that is set: with less the
// collector would run all the time.
const minHeap = 64 << 20

// apply sets the limit of the collector. The caller holds mu.
func apply() int64 {
	heap := max(total-total/8-reserved, minHeap)
	debug.SetMemoryLimit(heap)
	return heap
}
