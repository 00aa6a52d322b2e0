package columns

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// maxText is how many bytes the texts of a column come to at most where its
// offsets are of 32 bits. A test may lower it.
var maxText = math.MaxInt32

// RoomFor says whether a builder of texts, or of bytes, can hold n bytes more:
// arrow itself does not look, and its offsets would wrap around.
func RoomFor(b array.Builder, n int) error {
	have := 0
	switch b := b.(type) {
	case *array.StringBuilder:
		have = b.DataLen()
	case *array.BinaryBuilder:
		if b.Type().ID() != arrow.BINARY {
			return nil
		}
		have = b.DataLen()
	default: // those of 64 bits, and what holds no text
		return nil
	}
	if n > maxText-have {
		return fmt.Errorf("with its %d bytes the texts of this batch come to %d, more than the %d (2 GiB) that a column of Arrow with 32-bit offsets holds: "+
			"have fewer rows in a batch (spark.sql.execution.arrow.maxRecordsPerBatch), or 64-bit offsets, where Spark has them (spark.sql.execution.arrow.useLargeVarTypes)", n, have+n, maxText)
	}
	return nil
}
