package arrowipc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// streamOf writes a stream of batches. Each batch is given as a JSON text.
func streamOf(t testing.TB, schema *arrow.Schema, batches []string, options ...ipc.Option) []byte {
	t.Helper()
	var b bytes.Buffer
	w := ipc.NewWriter(&b, append(options, ipc.WithSchema(schema))...)
	for _, text := range batches {
		batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(batch); err != nil {
			t.Fatal(err)
		}
		batch.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// nested returns a stream of two batches with every kind of type that Spark
// sends, and with metadata at every level.
func nested(t testing.TB, options ...ipc.Option) []byte {
	md := arrow.NewMetadata([]string{"k", "l"}, []string{"", strings.Repeat("long ", 50)})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: arrow.StructOf(
			arrow.Field{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true, Metadata: md},
			arrow.Field{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.Null)},
		)},
		{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
		{Name: "b", Type: arrow.BinaryTypes.LargeBinary},
		{Name: "n", Type: arrow.Null, Nullable: true},
		{Name: "f", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	}, &md)
	rows := `[{"s": {"l": ["a", null], "m": [{"key": "k", "value": null}]}, "t": "2024-01-01T00:00:00Z", "d": "1.50", "b": "AA==", "f": true},
	          {"s": {"l": null, "m": []}, "t": "2024-01-01T00:00:00Z", "d": null, "b": "", "f": null}]`
	return streamOf(t, schema, []string{rows, rows}, options...)
}

// anyTypes returns a stream of two batches with the types that Spark does not send.
func anyTypes(t testing.TB, options ...ipc.Option) []byte {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "d", Type: dictionary, Nullable: true},
		{Name: "l", Type: arrow.ListOf(dictionary), Nullable: true},
		{Name: "v", Type: arrow.BinaryTypes.StringView, Nullable: true},
		{Name: "b", Type: &arrow.FixedSizeBinaryType{ByteWidth: 2}, Nullable: true},
		{Name: "f", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int16), Nullable: true},
		{Name: "w", Type: arrow.ListViewOf(arrow.BinaryTypes.BinaryView), Nullable: true},
		{Name: "u", Type: arrow.SparseUnionOf([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int32}}, []arrow.UnionTypeCode{0})},
		{Name: "o", Type: arrow.DenseUnionOf([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int32}}, []arrow.UnionTypeCode{0})},
		{Name: "e", Type: arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String), Nullable: true},
	}, nil)
	rows := `[{"d": "a", "l": ["x", "y"], "v": "a text that is longer than a view", "b": "AAA=", "f": [1, 2], "w": ["AA=="], "u": [0, 1], "o": [0, 2], "e": "r"},
	          {"d": null, "l": null, "v": null, "b": null, "f": null, "w": null, "u": [0, 3], "o": [0, 4], "e": "r"}]`
	return streamOf(t, schema, []string{rows, strings.ReplaceAll(rows, `"a"`, `"b"`)}, options...)
}

var defaults = Options{MaxRows: 1 << 20}

// readAll counts the rows of a stream and checks that the reader frees all its
// memory.
func readAll(t testing.TB, stream []byte, options Options) (rows int64, err error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	options.Allocator = mem
	return drain(t, stream, options)
}

// drain counts the rows of a stream.
func drain(t testing.TB, stream []byte, options Options) (rows int64, err error) {
	t.Helper()
	r := NewReader(bytes.NewReader(stream), options)
	defer r.Release()
	for {
		batch, err := r.Next()
		if err != nil {
			if _, again := r.Next(); again == nil || again.Error() != err.Error() {
				t.Errorf("the first error is %v, the next call returns %v", err, again)
			}
			if err == io.EOF {
				return rows, nil
			}
			return rows, err
		}
		rows += batch.NumRows()
		batch.Release()
	}
}

func TestReader(t *testing.T) {
	for name, options := range map[string][]ipc.Option{
		"plain": nil, "LZ4": {ipc.WithLZ4()}, "Zstandard": {ipc.WithZstd()},
	} {
		if rows, err := readAll(t, nested(t, options...), defaults); rows != 4 || err != nil {
			t.Errorf("%s: %d rows, %v", name, rows, err)
		}
	}
}

func TestReaderOfAnyTypes(t *testing.T) {
	options := defaults
	options.AnyTypes = true
	for name, stream := range map[string][]byte{"plain": anyTypes(t), "Zstandard": anyTypes(t, ipc.WithZstd())} {
		if rows, err := readAll(t, stream, options); rows != 4 || err != nil {
			t.Errorf("%s: %d rows, %v", name, rows, err)
		}
	}
}

// A truncated stream is an error, except with OpenEnd when it ends between two
// messages.
func TestTruncatedStream(t *testing.T) {
	whole := nested(t)
	ends := 0
	for n := range whole {
		if _, err := readAll(t, whole[:n], defaults); err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
		open := defaults
		open.OpenEnd = true
		if _, err := readAll(t, whole[:n], open); err == nil {
			ends++
		}
	}
	if ends != 3 { // after the schema and after each batch
		t.Errorf("%d truncated streams are accepted, expected 3", ends)
	}
}

func TestInvalidStreams(t *testing.T) {
	of := func(dt arrow.DataType) []byte {
		return streamOf(t, arrow.NewSchema([]arrow.Field{{Name: "c", Type: dt}}, nil), nil)
	}
	lists := func(n int) []byte {
		dt := arrow.DataType(arrow.PrimitiveTypes.Int32)
		for range n {
			dt = arrow.ListOf(dt)
		}
		return of(dt)
	}
	prefix := func(length uint32, data ...byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte{0xFF, 0xFF, 0xFF, 0xFF}, length), data...)
	}
	ints := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	whole := streamOf(t, ints, []string{`[{"n": 1}, {"n": 2}]`})
	schema := 8 + int(binary.LittleEndian.Uint32(whole[4:])) // the length of the first message
	two := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String}}, nil)
	schemaTwo := len(streamOf(t, two, nil)) - 8 // all but the end mark
	few := defaults
	few.MaxRows = 1
	small := defaults
	small.MaxDecompressed = 15
	for name, c := range map[string]struct {
		stream  []byte
		options Options
		want    string // part of the error; "" for a valid stream
	}{
		"nothing":            {nil, defaults, "message 0: the stream ends before it: unexpected EOF"},
		"only an end":        {prefix(0), defaults, "message 0: the stream ends before its schema"},
		"nothing, open":      {nil, Options{OpenEnd: true}, "message 0: the stream ends before its schema"},
		"text":               {[]byte("hello, world"), defaults, "its metadata has 1819043176 bytes, expected 8 to 16777216"},
		"zero metadata":      {prefix(8, make([]byte, 8)...), defaults, "a table of 0 bytes"},
		"promised metadata":  {prefix(1<<20, 1, 2), defaults, "ends after 2 of the 1048576 bytes of its metadata"},
		"no schema":          {whole[schema:], defaults, "message 0: it has the type 3, but the first message must be a schema"},
		"two schemas":        {append(whole[:schema:schema], whole...), defaults, "message 1: it has the type 1, but only record batches may follow the schema"},
		"a view":             {of(arrow.BinaryTypes.StringView), defaults, "Arrow type 24 (Utf8View), which Spark does not send"},
		"a union":            {of(arrow.ListOf(arrow.SparseUnionOf(nil, nil))), defaults, "Arrow type 14 (Union), which Spark does not send"},
		"a dictionary":       {of(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}), defaults, "is dictionary-encoded"},
		"nested deeply":      {lists(maxDepth), defaults, ""},
		"nested too deeply":  {lists(maxDepth + 1), defaults, "nested deeper than 64 levels"},
		"too many rows":      {whole, few, "message 1: the batch has 2 rows, expected 0 to 1: set spark.sql"},
		"within the limit":   {streamOf(t, ints, []string{`[{"n": 1}]`}, ipc.WithZstd()), small, ""},
		"above the limit":    {streamOf(t, ints, []string{`[{"n": 1}]`, `[{"n": 1}]`}, ipc.WithZstd()), small, "message 2: the batches so far decompress to 16 bytes, more than 15"},
		"too few buffers":    {append(streamOf(t, two, nil)[:schemaTwo:schemaTwo], whole[schema:]...), defaults, "message 1: the batch has 1 columns and fields in 2 buffers, but the schema has 2 in 5"},
		"a body of 2^62":     {replaced(t, whole, le(16), le(1<<62)), defaults, "its body has 4611686018427387904 bytes, expected 0 to"},
		"a buffer elsewhere": {replaced(t, whole, le(0, 16), le(8, 16)), defaults, "its buffer 1 has 16 bytes at byte 8 of a body of 16"},
		"a negative buffer":  {replaced(t, whole, le(0, 16), le(0, -16)), defaults, "its buffer 1 has -16 bytes"},
	} {
		_, err := readAll(t, c.stream, c.options)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

// le encodes numbers as a stream does.
func le(numbers ...int64) (b []byte) {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// replaced replaces the first occurrence of from in a stream.
func replaced(t *testing.T, stream, from, to []byte) []byte {
	t.Helper()
	if !bytes.Contains(stream, from) {
		t.Fatalf("the stream has no %x", from)
	}
	return bytes.Replace(stream, from, to, 1)
}

// The decompressed size that a buffer claims must be possible with its codec,
// and the sum over a batch must be within the limit.
func TestDecompressedSizes(t *testing.T) {
	packed := func(claim int64, bytes int) []byte { return append(le(claim), make([]byte, bytes)...) }
	buffers := func(body []byte, times int) (b []byte) {
		for range times {
			b = append(b, le(0, int64(len(body)))...)
		}
		return b
	}
	lz4, zstd := &codecs[0], &codecs[1]
	for name, c := range map[string]struct {
		codec        *codec
		body         []byte
		times        int // number of buffers that refer to the body
		decompressed int64
		want         string
	}{
		"the most of LZ4":         {lz4, packed(255*100, 100), 1, 25500, ""},
		"more than LZ4 can":       {lz4, packed(255*100+1, 100), 1, 0, "its buffer 0 claims to decompress from 100 to 25501 bytes, which is impossible with LZ4"},
		"the most of Zstandard":   {zstd, packed(1<<17, 4), 1, 1 << 17, ""},
		"more than Zstandard can": {zstd, packed(1<<17+1, 4), 1, 0, "which is impossible with Zstandard"},
		"not compressed":          {zstd, packed(-1, 4), 1, 0, ""},
		"less than nothing":       {zstd, packed(-2, 4), 1, 0, "to -2 bytes"},
		"no claim":                {zstd, make([]byte, 7), 1, 0, "has 7 bytes, expected at least 8"},
		"empty":                   {zstd, nil, 3, 0, ""},
		"accepted size":           {zstd, packed(extraBytes, 1<<13), 1, extraBytes, ""},
		"refused size":            {zstd, packed(extraBytes+maxRatio*(8+1<<13)+1, 1<<14-1), 2, 0, "claim to decompress to more than"},
		"the same many times":     {zstd, packed(1<<27, 1<<12), 1 << 20, 0, "claim to decompress to more than 269486080"},
	} {
		h := header{codec: c.codec, buffers: buffers(c.body, c.times)}
		got, err := h.checkBody(c.body)
		if got != c.decompressed || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %d, %v; want %d, %q", name, got, err, c.decompressed, c.want)
		}
	}
}

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A wrong count or length gives an error and takes little memory. The test
// replaces each word of a stream in turn by a huge or negative number.
func TestWrongCounts(t *testing.T) {
	for name, stream := range map[string][]byte{"plain": nested(t), "LZ4": nested(t, ipc.WithLZ4()), "Zstandard": nested(t, ipc.WithZstd()), "any types": anyTypes(t)} {
		for i := 0; i+8 <= len(stream); i += 4 {
			for _, wrong := range [][]byte{{0xFF, 0xFF, 0xFF, 0x7F}, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0}, {0, 0, 0, 0x10}} {
				b := bytes.Clone(stream)
				copy(b[i:], wrong)
				// No checked allocator: Arrow leaks the buffer when decompression fails.
				var err error
				n := allocated(func() {
					_, err = drain(t, b, Options{Allocator: memory.DefaultAllocator, MaxRows: 1 << 20, AnyTypes: name == "any types"})
				})
				if err != nil && strings.HasPrefix(err.Error(), "message 0") && strings.Contains(err.Error(), "runtime error") {
					t.Errorf("%s: %x at byte %d passes the check: %v", name, wrong, i, err)
				}
				if n > 64<<20 {
					t.Fatalf("%s: %x at byte %d makes the reader allocate %d bytes", name, wrong, i, n)
				}
			}
		}
	}
}

// meter counts the bytes that the reader allocates.
type meter struct {
	memory.Allocator
	allocated int
}

func (m *meter) Allocate(n int) []byte {
	m.allocated += n
	return m.Allocator.Allocate(n)
}

func (m *meter) Reallocate(n int, b []byte) []byte {
	m.allocated += max(0, n-len(b))
	return m.Allocator.Reallocate(n, b)
}

// FuzzReader checks that Arrow's reader does not panic on a schema that passes
// the check, and that the memory for a message is bounded by its size.
func FuzzReader(f *testing.F) {
	f.Add(nested(f))
	f.Add(nested(f, ipc.WithLZ4()))
	f.Add(nested(f, ipc.WithZstd()))
	f.Add(anyTypes(f))
	f.Add(streamOf(f, arrow.NewSchema(nil, nil), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		mem := &meter{Allocator: memory.DefaultAllocator}
		r := NewReader(bytes.NewReader(b), Options{Allocator: mem, MaxRows: 1 << 20, OpenEnd: true, AnyTypes: true})
		defer r.Release()
		for {
			mem.allocated = 0
			batch, err := r.Next()
			// The first call also reads the schema: two messages of two parts.
			if limit := 4*firstAllocation + extraBytes + (maxRatio+2)*len(b); mem.allocated > limit {
				t.Fatalf("%d bytes make the reader allocate %d, more than %d", len(b), mem.allocated, limit)
			}
			if err != nil {
				if r.messages.count == 1 && strings.Contains(err.Error(), "runtime error") {
					t.Fatalf("the schema passed the check and is malformed: %v", err)
				}
				return
			}
			batch.Release()
		}
	})
}
