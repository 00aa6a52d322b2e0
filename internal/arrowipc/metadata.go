package arrowipc

import "encoding/binary"

const (
	headerSchema          = 1
	headerDictionaryBatch = 2
	headerRecordBatch     = 3

	// maxDepth bounds the nesting of types below a column. Arrow's reader has
	// the same limit for batches.
	maxDepth = 64
)

// kind is a type in Arrow's union Type.
type kind struct {
	name    string
	buffers int   // of a column, without its children's
	numbers []int // widths in bytes of the type's first fields, which are numbers
	text    int   // slot of a field that is a text; 0 if the type has none
	views   bool  // a batch has further buffers for the column, and their number
	notSent bool  // Spark does not send the type
}

// types holds Arrow's types by their number. A dense union has one buffer more.
var types = map[int]kind{
	1:  {name: "Null"},
	2:  {name: "Int", buffers: 2, numbers: []int{4, 1}},
	3:  {name: "FloatingPoint", buffers: 2, numbers: []int{2}},
	4:  {name: "Binary", buffers: 3},
	5:  {name: "Utf8", buffers: 3},
	6:  {name: "Bool", buffers: 2},
	7:  {name: "Decimal", buffers: 2, numbers: []int{4, 4, 4}},
	8:  {name: "Date", buffers: 2, numbers: []int{2}},
	9:  {name: "Time", buffers: 2, numbers: []int{2, 4}},
	10: {name: "Timestamp", buffers: 2, numbers: []int{2}, text: 1},
	11: {name: "Interval", buffers: 2, numbers: []int{2}},
	12: {name: "List", buffers: 2},
	13: {name: "Struct", buffers: 1},
	14: {name: "Union", buffers: 1, numbers: []int{2}, notSent: true},
	15: {name: "FixedSizeBinary", buffers: 2, numbers: []int{4}, notSent: true},
	16: {name: "FixedSizeList", buffers: 1, numbers: []int{4}, notSent: true},
	17: {name: "Map", buffers: 2, numbers: []int{1}},
	18: {name: "Duration", buffers: 2, numbers: []int{2}},
	19: {name: "LargeBinary", buffers: 3},
	20: {name: "LargeUtf8", buffers: 3},
	21: {name: "LargeList", buffers: 2},
	22: {name: "RunEndEncoded", notSent: true},
	23: {name: "BinaryView", buffers: 2, views: true, notSent: true},
	24: {name: "Utf8View", buffers: 2, views: true, notSent: true},
	25: {name: "ListView", buffers: 3, notSent: true},
	26: {name: "LargeListView", buffers: 3, notSent: true},
}

const typeUnion = 14

// counts are the nodes, the buffers and the columns of views that a batch must
// have. Arrow's reader accesses as many without checking that they exist.
type counts struct{ nodes, buffers, views int }

// schema holds the counts of the stream's batches, and those of its dictionaries
// by their number. Only with any has it types that Spark does not send.
type schema struct {
	any bool
	counts
	dictionaries map[int64]*counts
}

// header holds the metadata that the check of a body needs.
type header struct {
	body    int64  // claimed length of the body in bytes
	rows    int64  // claimed number of rows
	buffers []byte // offset and length of each buffer (i64 each)
	codec   *codec // nil if the body is not compressed
}

// checkMetadata checks the metadata of a message. The first message must be a
// schema, from which it fills s; the others must be batches of rows or of a
// dictionary that have the nodes and buffers of s.
func checkMetadata(b []byte, first bool, s *schema) (h header, err error) {
	f := newFlatBuffer(b)
	message := f.table(0)
	message.field(0, 2)
	h.body = message.long(3)
	keyValues(message, 4)
	content, ok := message.child(2)
	switch kind := message.byte(1); {
	case f.err != nil:
	case !ok:
		f.fail("it has no header")
	case first && kind == headerSchema:
		content.field(0, 2)
		keyValues(content, 2)
		content.each(1, func(field table) { s.check(field, 0, &s.counts) })
	case !first && kind == headerRecordBatch:
		h.batch(content, s.counts)
	case !first && kind == headerDictionaryBatch && s.any:
		h.dictionary(content, s)
	case first:
		f.fail("it has the type %d, but the first message must be a schema", kind)
	default:
		f.fail("it has the type %d, but only record batches may follow the schema", kind)
	}
	return h, f.err
}

func (h *header) dictionary(t table, s *schema) {
	t.field(2, 1)
	id := t.long(0)
	of, data := s.dictionaries[id], table{}
	var ok bool
	if data, ok = t.child(1); !ok || of == nil {
		t.f.fail("it has the dictionary %d, which no column of the schema uses", id)
		return
	}
	h.batch(data, *of)
}

func (h *header) batch(t table, s counts) {
	h.rows = t.long(0)
	_, nodes := t.vector(1, 16)
	first, buffers := t.vector(2, 16)
	h.buffers = t.f.b[first : first+16*buffers]
	if s.views > 0 {
		from, n := t.vector(4, 8)
		if n < s.views {
			t.f.fail("the batch has %d numbers of buffers of views, but the schema has %d such columns", n, s.views)
			return
		}
		for i := range s.views {
			further := int64(binary.LittleEndian.Uint64(t.f.b[from+8*i:]))
			if further < 0 || further > int64(buffers) {
				t.f.fail("a column of views has %d further buffers, but the batch has %d in all", further, buffers)
				return
			}
			s.buffers += int(further)
		}
	}
	if nodes < s.nodes || buffers < s.buffers {
		t.f.fail("the batch has %d columns and fields in %d buffers, but the schema has %d in %d", nodes, buffers, s.nodes, s.buffers)
	}
	if c, ok := t.child(3); ok {
		number := c.byte(0)
		if number >= len(codecs) {
			t.f.fail("its body is compressed with the codec %d, expected 0 (LZ4) or 1 (Zstandard)", number)
			return
		}
		h.codec = &codecs[number]
	}
}

func keyValues(t table, slot int) {
	t.each(slot, func(pair table) {
		pair.vector(0, 1)
		pair.vector(1, 1)
	})
}

// check checks a column or a nested field, and adds its nodes and buffers to n.
func (s *schema) check(t table, depth int, n *counts) {
	t.vector(0, 1)
	t.field(1, 1)
	number := t.byte(2)
	of, known := types[number]
	kind, typed := t.child(3)
	dictionary, encoded := t.child(4)
	switch {
	case depth > maxDepth:
		t.f.fail("its types are nested deeper than %d levels", maxDepth)
		return
	case !known:
		t.f.fail("a column has Arrow type %d, which is unknown", number)
	case of.notSent && !s.any:
		t.f.fail("a column has Arrow type %d (%s), which Spark does not send", number, of.name)
	case !typed:
		t.f.fail("a column of type %s has no description of its type", of.name)
	case encoded && !s.any:
		t.f.fail("a column is dictionary-encoded, which Spark does not send")
	}
	if t.f.err != nil {
		return
	}
	if encoded {
		n.nodes++
		n.buffers += 2 // the column has indices, and its dictionary the values
		n = &counts{}
		defer s.define(dictionary, n)
	}
	for slot, bytes := range of.numbers {
		kind.field(slot, bytes)
	}
	if of.text != 0 {
		kind.vector(of.text, 1)
	}
	n.nodes++
	n.buffers += of.buffers
	if of.views {
		n.views++
	}
	if number == typeUnion {
		kind.vector(1, 4)
		if at := kind.field(0, 2); at != 0 && t.f.u16(at) != 0 {
			n.buffers++ // of offsets, in a dense union
		}
	}
	keyValues(t, 6)
	t.each(5, func(child table) { s.check(child, depth+1, n) })
}

// define records the counts of the dictionary that the encoding t names. Columns
// that share a dictionary describe it again.
func (s *schema) define(t table, n *counts) {
	id := t.long(0)
	if index, ok := t.child(1); ok {
		index.field(0, 4)
		index.field(1, 1)
	}
	t.field(2, 1)
	t.field(3, 2)
	if before := s.dictionaries[id]; before != nil && *before != *n {
		t.f.fail("two columns have the dictionary %d, with different types", id)
		return
	}
	if s.dictionaries == nil {
		s.dictionaries = map[int64]*counts{}
	}
	s.dictionaries[id] = n
}
