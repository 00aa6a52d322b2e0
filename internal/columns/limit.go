package columns

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// maxText is the largest size in bytes of the texts of a column with 32-bit offsets.
// Tests change it.
var maxText = math.MaxInt32

// RoomFor returns an error if a builder of texts or bytes cannot hold n more bytes.
// Arrow does not check, and its offsets would overflow.
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
	default: // builders with 64-bit offsets, and others without texts
		return nil
	}
	if n > maxText-have {
		return fmt.Errorf("the texts of this batch are longer than the %d bytes (2 GiB) that an Arrow column with 32-bit offsets holds: %d bytes, with %d of this row; "+
			"reduce the rows of a batch (spark.sql.execution.arrow.maxRecordsPerBatch), or use 64-bit offsets if this version of Spark has them (spark.sql.execution.arrow.useLargeVarTypes)", maxText, have+n, n)
	}
	return nil
}
