package job

import (
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/internal/sqltypes"
)

// Sample takes a share of the rows.
type Sample struct {
	Share float64 // from 0 to 1
	Seed  uint64  // other seeds take other rows
}

// Sampler takes the rows of a Sample from tables of one schema. It compares the
// upper 53 bits of a hash of the row's values with the share, so that a row is
// taken or not whatever its position, its partition and its program. Equal rows
// are taken together.
//
// The hash is Spark's xxhash64 of the seed and the values of all columns in
// their order, after integers are converted to BIGINT, other numbers to DOUBLE,
// and text to BINARY. Columns of maps, intervals and other types that Spark
// cannot hash are left out.
type Sampler struct {
	seed      int64
	threshold int64 // of 2^53
	columns   []hashedColumn
}

type hashedColumn struct {
	index int
	sql   string // the column as its hash sees it
}

const hashBits = 53

func (s Sample) bind(schema *arrow.Schema) (*Sampler, error) {
	of := &Sampler{seed: int64(s.Seed), threshold: int64(math.Ceil(s.Share * (1 << hashBits)))}
	for i, f := range schema.Fields() {
		if t, ok := hashedType(sqlexpr.ValueType(f.Type)); ok {
			of.columns = append(of.columns, hashedColumn{i, fmt.Sprintf("CAST(%s AS %s)", sqltypes.QuoteName(f.Name), t)})
		}
	}
	if of.columns == nil {
		return nil, &SampleError{}
	}
	return of, nil
}

// SQL returns the condition of the sample's rows in Spark SQL.
func (s *Sampler) SQL() string {
	var columns strings.Builder
	for _, c := range s.columns {
		columns.WriteString(", " + c.sql)
	}
	return fmt.Sprintf("shiftrightunsigned(xxhash64(CAST('%d' AS BIGINT)%s), %d) < CAST('%d' AS BIGINT)", s.seed, columns.String(), 64-hashBits, s.threshold)
}

// Keep reports for each row of a batch whether it is one of the sample. A nil
// Sampler takes all rows.
func (s *Sampler) Keep(mem memory.Allocator, batch arrow.RecordBatch) []bool {
	keep := make([]bool, batch.NumRows())
	if s == nil {
		for i := range keep {
			keep[i] = true
		}
		return keep
	}
	hashes := make([]uint64, len(keep))
	start := hashInt64(uint64(s.seed), sparkSeed)
	for i := range hashes {
		hashes[i] = start
	}
	for _, c := range s.columns {
		values := sqlexpr.Values(mem, batch.Column(c.index))
		hash := hasher(values)
		for i, seed := range hashes {
			hashes[i] = hash(i, seed)
		}
		values.Release()
	}
	for i, h := range hashes {
		keep[i] = int64(h>>(64-hashBits)) < s.threshold
	}
	return keep
}
