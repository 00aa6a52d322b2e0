package arrowipc

const (
	headerSchema      = 1
	headerRecordBatch = 3

	// maxDepth bounds how deep types nest below a column. Arrow's reader goes
	// no deeper in batches.
	maxDepth = 64
)

// types are those that Spark sends, by their number in Arrow's union Type.
var types = map[int]struct {
	name    string
	buffers int   // of a column, besides its children's
	numbers []int // the bytes of the type's first fields, which are numbers
	text    int   // a further field that is a text, if not 0
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

// schema is what a schema says about the batches after it. Arrow's reader
// takes as many nodes and buffers of a batch, whether they are there or not.
type schema struct{ nodes, buffers int }

// header is what the check of a body needs to know of the metadata.
type header struct {
	body    int64  // its length in bytes, as claimed
	rows    int64  // as claimed
	buffers []byte // place and length (i64 each)
	codec   *codec // nil if the body is not compressed
}

// checkMetadata checks the metadata of a message: of the first, from which it
// fills in s, or of a further one.
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
		f.fail("it is of the kind %d, but the first must be a schema", kind)
	default:
		f.fail("it is of the kind %d, but after the schema only record batches may come", kind)
	}
	return h, f.err
}

func (h *header) batch(t table, s *schema) {
	h.rows = t.long(0)
	_, nodes := t.vector(1, 16)
	first, buffers := t.vector(2, 16)
	h.buffers = t.f.b[first : first+16*buffers]
	if nodes < s.nodes || buffers < s.buffers {
		t.f.fail("the batch has %d columns and fields in %d buffers, but by the schema there are %d in %d", nodes, buffers, s.nodes, s.buffers)
	}
	if c, ok := t.child(3); ok {
		number := c.byte(0)
		if number >= len(codecs) {
			t.f.fail("its body is compressed by the codec %d, expected 0 (LZ4) or 1 (Zstandard)", number)
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

// check checks a column, or a field of one.
func (s *schema) check(t table, depth int) {
	t.vector(0, 1)
	t.field(1, 1)
	number := t.byte(2)
	of, sent := types[number]
	kind, typed := t.child(3)
	switch {
	case depth > maxDepth:
		t.f.fail("its types are nested deeper than %d", maxDepth)
		return
	case !sent:
		t.f.fail("a column is of Arrow's type %d, which Spark does not send", number)
	case !typed:
		t.f.fail("a column of the type %s does not describe it", of.name)
	case t.field(4, 4) != 0:
		t.f.fail("a column is encoded by a dictionary, which Spark does not do")
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
