//go:build !unix

package offheap

func allocate(bytes int) ([]byte, func() error, error) {
	return make([]byte, bytes), func() error { return nil }, nil
}
