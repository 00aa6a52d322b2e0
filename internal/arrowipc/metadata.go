package arrowipc

const (
	headerSchema      = 1
	headerRecordBatch = 3

	// maxDepth bounds the nesting of types below a column. Arrow's reader has
	// the same limit for batches.
	maxDepth = 64
)

// types holds the types that Spark sends, by their number in Arrow's union
// Type.
var types = map[int]struct {
	name    string
	buffers int   // of a column, without its children's
	numbers []int // widths in bytes of the type's first fields, which are numbers
	text    int   // slot of a field that is a text; 0 if the type has none
}{
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
	17: {name: "Map", buffers: 2, numbers: []int{1}},
	18: {name: "Duration", buffers: 2, numbers: []int{2}},
	19: {name: "LargeBinary", buffers: 3},
	20: {name: "LargeUtf8", buffers: 3},
	21: {name: "LargeList", buffers: 2},
}

// schema counts the nodes and buffers that each batch of the stream must have.
// Arrow's reader accesses as many without checking that they exist.
type schema struct{ nodes, buffers int }

// header holds the metadata that the check of a body needs.
type header struct {
	body    int64  // claimed length of the body in bytes
	rows    int64  // claimed number of rows
	buffers []byte // offset and length of each buffer (i64 each)
	codec   *codec // nil if the body is not compressed
}

// checkMetadata checks the metadata of a message. The first message must be a
// schema, from which it fills s; the others must be record batches that have
// the nodes and buffers of s.
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
		content.each(1, func(field table) { s.check(field, 0) })
	case !first && kind == headerRecordBatch:
		h.batch(content, s)
	case first:
		f.fail("it has the type %d, but the first message must be a schema", kind)
	default:
		f.fail("it has the type %d, but only record batches may follow the schema", kind)
	}
	return h, f.err
}

func (h *header) batch(t table, s *schema) {
	h.rows = t.long(0)
	_, nodes := t.vector(1, 16)
	first, buffers := t.vector(2, 16)
	h.buffers = t.f.b[first : first+16*buffers]
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

// check checks a column or a nested field, and counts its nodes and buffers.
func (s *schema) check(t table, depth int) {
	t.vector(0, 1)
	t.field(1, 1)
	number := t.byte(2)
	of, sent := types[number]
	kind, typed := t.child(3)
	switch {
	case depth > maxDepth:
		t.f.fail("its types are nested deeper than %d levels", maxDepth)
		return
	case !sent:
		t.f.fail("a column has Arrow type %d, which Spark does not send", number)
	case !typed:
		t.f.fail("a column of type %s has no description of its type", of.name)
	case t.field(4, 4) != 0:
		t.f.fail("a column is dictionary-encoded, which Spark does not send")
	}
	if t.f.err != nil {
		return
	}
	for slot, bytes := range of.numbers {
		kind.field(slot, bytes)
	}
	if of.text != 0 {
		kind.vector(of.text, 1)
	}
	s.nodes++
	s.buffers += of.buffers
	keyValues(t, 6)
	t.each(5, func(child table) { s.check(child, depth+1) })
}
