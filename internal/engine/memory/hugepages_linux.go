package memory

import "golang.org/x/sys/unix"

// adviseHugePages asks for fewer and larger pages; a kernel without them says
// no, which changes speed only.
func adviseHugePages(data []byte) { _ = unix.Madvise(data, unix.MADV_HUGEPAGE) }
