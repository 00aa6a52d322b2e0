package parquet

import (
	"bytes"
	"regexp"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	pq "github.com/apache/arrow-go/v18/parquet"
)

// Bounds are what the metadata states of the values of a column in a row group.
type Bounds struct {
	Rows  int64
	Nulls int64 // -1 if it is not stated
	// Range has two values of the column's type: no value is less than the first or greater than the second, except NaN,
	// which no statistics state. The values themselves may not occur, because long texts are cut. It is nil if it is not stated.
	Range arrow.Array
}

// statistics are the fields of the struct Statistics of a column chunk. Absent values are nil.
type statistics struct {
	values           int64 // of the chunk, with NULLs
	nulls            int64
	least, most      []byte // min_value, max_value
	oldLeast, oldMax []byte // min, max: deprecated, as their order is not defined except for signed numbers
}

func (r *thriftReader) statistics(s *statistics) {
	r.structure(0, func(id int16, kind byte) bool {
		switch {
		case id == 1 && kind == kindBinary:
			s.oldMax = r.binary()
		case id == 2 && kind == kindBinary:
			s.oldLeast = r.binary()
		case id == 3 && kind == kindI64:
			s.nulls = r.int()
		case id == 5 && kind == kindBinary:
			s.most = r.binary()
		case id == 6 && kind == kindBinary:
			s.least = r.binary()
		default:
			return false
		}
		return true
	})
}

// chunkStatistics reads the statistics of the chunks of some leaves of each row group from an encoded list of row groups that
// rowGroups has checked.
func chunkStatistics(list []byte, wanted map[int]bool) (groups []map[int]statistics) {
	if list == nil {
		return nil
	}
	r := thriftReader{b: list}
	r.structures(func(int, int) {
		of := map[int]statistics{}
		r.structure(0, func(id int16, kind byte) bool {
			if id != 1 || kind != kindList {
				return false
			}
			r.structures(func(leaf, _ int) {
				if !wanted[leaf] {
					r.structure(0, nil)
					return
				}
				r.structure(0, func(id int16, kind byte) bool {
					if id != 3 || kind != kindStruct {
						return false
					}
					s := statistics{nulls: -1}
					r.structure(0, func(id int16, kind byte) bool {
						switch {
						case id == 5 && kind == kindI64:
							s.values = r.int()
						case id == 12 && kind == kindStruct:
							r.statistics(&s)
						default:
							return false
						}
						return true
					})
					of[leaf] = s
					return true
				})
			})
			return true
		})
		groups = append(groups, of)
	})
	return groups
}

// definedOrders reports for each leaf whether min_value and max_value have the order that the format defines for its type. Without
// that statement they have no meaning.
func definedOrders(list []byte, leaves int) []bool {
	defined := make([]bool, leaves)
	if list == nil {
		return defined
	}
	r := thriftReader{b: list}
	r.structures(func(i, _ int) {
		r.structure(0, func(id int16, _ byte) bool {
			if i < leaves && id == 1 { // TYPE_ORDER
				defined[i] = true
			}
			return false
		})
	})
	if r.bad {
		return make([]bool, leaves)
	}
	return defined
}

// wrongDecimals matches writers whose statistics of decimals in bytes have the order of unsigned bytes (PARQUET-1655).
var wrongDecimals = regexp.MustCompile(`^parquet-cpp(-arrow version [0-3]\.| version )`)

// ordered reports whether the order of a column's Arrow values is that of its statistics.
func (c *column) ordered(createdBy string) bool {
	if c.kind != leafKind || c.node.rep > 0 {
		return false
	}
	switch physical := c.node.physical; c.leaf.arrow.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.DATE32:
		return true
	case arrow.TIMESTAMP:
		return physical == pq.Types.Int64 // INT96 has no order
	case arrow.FLOAT32, arrow.FLOAT64:
		return physical == pq.Types.Float || physical == pq.Types.Double
	case arrow.DECIMAL128:
		return physical == pq.Types.Int32 || physical == pq.Types.Int64 || !wrongDecimals.MatchString(createdBy)
	case arrow.STRING:
		return physical == pq.Types.ByteArray
	}
	return false
}

// bounds returns the bounds of a column in a row group. The caller releases Range.
func (r *Reader) bounds(c *column, rows int64, s statistics, definedOrder bool) Bounds {
	b := Bounds{Rows: rows, Nulls: s.nulls}
	if b.Nulls < 0 || b.Nulls > rows || s.values != rows || c.kind != leafKind || c.node.rep > 0 {
		b.Nulls = -1
	}
	if c.node.repetition == required {
		b.Nulls = 0
	}
	least, most := s.least, s.most
	if !definedOrder {
		least, most = nil, nil
	}
	signed := c.node.physical == pq.Types.Int32 || c.node.physical == pq.Types.Int64
	if (least == nil || most == nil) && signed {
		least, most = s.oldLeast, s.oldMax
	}
	if least == nil || most == nil || !c.ordered(r.createdBy) {
		return b
	}
	b.Range = r.twoValues(c, least, most)
	return b
}

// twoValues returns an array of two encoded values, or nil if they are malformed.
func (r *Reader) twoValues(c *column, least, most []byte) arrow.Array {
	width := newLeafReader(c.node, nil, nil).values.width
	for _, v := range [][]byte{least, most} {
		if width > 0 && len(v) != width {
			return nil
		}
	}
	l := &leafReader{node: c.node, levels: 2, starts: 2}
	l.values = valueBuffer{data: bytes.Join([][]byte{least, most}, nil), width: width, ends: []int{len(least), len(least) + len(most)}, n: 2}
	alone := *c
	alone.slot, alone.def, alone.leaves = 0, 0, []int{0}
	a := assembly{mem: r.o.Allocator, leaves: []*leafReader{l}, levels: []int{2}}
	data, err := a.build(&alone, 2)
	if err != nil {
		return nil
	}
	defer data.Release()
	return array.MakeFromData(data)
}
