package offheap

import "golang.org/x/sys/unix"

// adviseHugePages requests huge pages. An error has no effect but speed.
func adviseHugePages(data []byte) { _ = unix.Madvise(data, unix.MADV_HUGEPAGE) }
