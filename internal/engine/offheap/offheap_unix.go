//go:build unix

package offheap

import "golang.org/x/sys/unix"

func allocate(bytes int) ([]byte, func() error, error) {
	data, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	adviseHugePages(data)
	return data, func() error { return unix.Munmap(data) }, nil
}
