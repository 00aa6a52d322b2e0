package arrowipc

import (
	"encoding/binary"
	"fmt"
)

const (
	// maxBatch bounds a batch's bytes, both as they come and unpacked.
	maxBatch = 8 << 30
	// plausible is how far a batch's body may unpack, and free how many bytes
	// may come on top: equal rows shrink to next to nothing, and that many of
	// them are believed. Without this, a Zstandard buffer could claim 32768
	// times its size and have that memory. (The decoder takes up to 512 MiB more
	// for a frame that claims so large a window, but touches only what it uses.)
	plausible = 256
	free      = 256 << 20

	lowerRows = "set spark.sql.execution.arrow.maxRecordsPerBatch to a lower number above 0"
)

// codec is a compression that Arrow knows.
type codec struct {
	name string
	// most is how many bytes one packed byte can unpack to at most.
	most int64
}

// codecs are by their number in Arrow's CompressionType. One byte of an LZ4
// block makes a match longer by 255 at most (LZ4, "Block format", match
// lengths). Zstandard's shortest block has 4 bytes and gives up to 128 KiB (RFC
// 8878, 3.1.1.2.2 and 3.1.1.2.4).
var codecs = [...]codec{{"LZ4", 255}, {"Zstandard", 32 << 10}}

// checkBody checks where the buffers are and what they claim to unpack to; it
// gives the sum of the latter in bytes.
func (h header) checkBody(body []byte) (unpacked int64, err error) {
	size := int64(len(body))
	limit := min(maxBatch, plausible*size+free)
	for i := 0; i < len(h.buffers)/16; i++ {
		at := int64(binary.LittleEndian.Uint64(h.buffers[16*i:]))
		length := int64(binary.LittleEndian.Uint64(h.buffers[16*i+8:]))
		if length == 0 {
			continue // wherever it is
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
			continue // the bytes are not packed
		}
		if claim < 0 || claim > h.codec.most*(length-8) {
			return 0, fmt.Errorf("its buffer %d claims to unpack from %d to %d bytes, which %s cannot do", i, length-8, claim, h.codec.name)
		}
		if unpacked += claim; unpacked > limit {
			return 0, fmt.Errorf("its %d bytes claim to unpack to more than %d: %s", size, limit, lowerRows)
		}
	}
	return unpacked, nil
}
