package arrowipc

import (
	"encoding/binary"
	"fmt"
)

const (
	// maxBatch bounds the size of a batch in bytes, both compressed and
	// decompressed.
	maxBatch = 8 << 30
	// A batch's body may decompress to maxRatio times its size plus extraBytes.
	// The constant part is needed because equal rows compress to almost nothing.
	// Without a bound a Zstandard buffer could claim 32768 times its size, and
	// the reader would allocate that. (The decoder reserves up to 512 MiB more
	// for a frame that claims a window of that size, but touches only the part
	// that it uses.)
	maxRatio   = 256
	extraBytes = 256 << 20
)

// tooLargeError reports a batch whose buffers claim to decompress to more bytes
// than the limit.
type tooLargeError struct{ size, limit int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("its %d bytes claim to decompress to more than %d", e.size, e.limit)
}

// codec is a compression codec of the Arrow format.
type codec struct {
	name string
	// maxRatio is the largest number of bytes that one compressed byte can
	// decompress to.
	maxRatio int64
}

// codecs is indexed by the number of Arrow's CompressionType. One byte of an
// LZ4 block lengthens a match by at most 255 (LZ4, "Block format", match
// lengths). Zstandard's shortest block has 4 bytes and decompresses to at most
// 128 KiB (RFC 8878, 3.1.1.2.2 and 3.1.1.2.4).
var codecs = [...]codec{{"LZ4", 255}, {"Zstandard", 32 << 10}}

// checkBody checks that each buffer lies inside the body and that its claimed
// decompressed size is possible. It returns the sum of these sizes in bytes.
func (h header) checkBody(body []byte) (decompressed int64, err error) {
	size := int64(len(body))
	limit := min(maxBatch, maxRatio*size+extraBytes)
	for i := 0; i < len(h.buffers)/16; i++ {
		at := int64(binary.LittleEndian.Uint64(h.buffers[16*i:]))
		length := int64(binary.LittleEndian.Uint64(h.buffers[16*i+8:]))
		if length == 0 {
			continue // an empty buffer may have any offset
		}
		if at < 0 || length < 0 || length > size || at > size-length {
			return 0, fmt.Errorf("its buffer %d has %d bytes at byte %d of a body of %d", i, length, at, size)
		}
		if h.codec == nil {
			continue
		}
		if length < 8 {
			return 0, fmt.Errorf("its compressed buffer %d has %d bytes, expected at least 8", i, length)
		}
		claim := int64(binary.LittleEndian.Uint64(body[at:]))
		if claim == -1 {
			continue // the bytes are not compressed
		}
		if claim < 0 || claim > h.codec.maxRatio*(length-8) {
			return 0, fmt.Errorf("its buffer %d claims to decompress from %d to %d bytes, which is impossible with %s", i, length-8, claim, h.codec.name)
		}
		if decompressed += claim; decompressed > limit {
			return 0, &tooLargeError{size, limit}
		}
	}
	return decompressed, nil
}
