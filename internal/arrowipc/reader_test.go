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

// streamOf writes a stream of batches that are given as JSON, one text each.
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

// nested is two batches with every kind of type that Spark sends, and metadata
// wherever it may stand.
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

var trusting = Options{MaxRows: 1 << 20}

// readAll counts the rows of a stream and checks that the reader leaves nothing.
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
				t.Errorf("%v, and then %v", err, again)
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
		if rows, err := readAll(t, nested(t, options...), trusting); rows != 4 || err != nil {
			t.Errorf("%s: %d rows, %v", name, rows, err)
		}
	}
}

// Cut anywhere, a stream is an error, unless the caller knows that it is whole
// and the cut is between messages.
func TestCutOff(t *testing.T) {
	whole := nested(t)
	ends := 0
	for n := range whole {
		if _, err := readAll(t, whole[:n], trusting); err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
		open := trusting
		open.OpenEnd = true
		if _, err := readAll(t, whole[:n], open); err == nil {
			ends++
		}
	}
	if ends != 3 { // after the schema and after each batch
		t.Errorf("%d beginnings are taken for a whole stream, expected 3", ends)
	}
}

func TestRefused(t *testing.T) {
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
	few := trusting
	few.MaxRows = 1
	small := trusting
	small.MaxUnpacked = 15
	for name, c := range map[string]struct {
		stream  []byte
		options Options
		want    string // "" if it is well
	}{
		"nothing":            {nil, trusting, "message 0: the stream breaks off before it: unexpected EOF"},
		"only an end":        {prefix(0), trusting, "message 0: the stream ends before its schema"},
		"nothing, open":      {nil, Options{OpenEnd: true}, "message 0: the stream ends before its schema"},
		"text":               {[]byte("hello, world"), trusting, "its metadata has 1819043176 bytes, expected 8 to 16777216"},
		"zero metadata":      {prefix(8, make([]byte, 8)...), trusting, "a table of 0 bytes"},
		"promised metadata":  {prefix(1<<20, 1, 2), trusting, "breaks off after 2 of the 1048576 bytes of its metadata"},
		"no schema":          {whole[schema:], trusting, "message 0: it is of the kind 3, but the first must be a schema"},
		"two schemas":        {append(whole[:schema:schema], whole...), trusting, "message 1: it is of the kind 1, but after the schema"},
		"a view":             {of(arrow.BinaryTypes.StringView), trusting, "Arrow's type 24, which Spark does not send"},
		"a union":            {of(arrow.ListOf(arrow.SparseUnionOf(nil, nil))), trusting, "Arrow's type 14, which Spark does not send"},
		"a dictionary":       {of(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}), trusting, "encoded by a dictionary"},
		"nested deeply":      {lists(maxDepth), trusting, ""},
		"nested too deeply":  {lists(maxDepth + 1), trusting, "nested deeper than 64"},
		"too many rows":      {whole, few, "message 1: the batch has 2 rows, expected 0 to 1: set spark.sql"},
		"unpacks to enough":  {streamOf(t, ints, []string{`[{"n": 1}]`}, ipc.WithZstd()), small, ""},
		"unpacks to more":    {streamOf(t, ints, []string{`[{"n": 1}]`, `[{"n": 1}]`}, ipc.WithZstd()), small, "message 2: the batches so far unpack to 16 bytes, more than 15"},
		"too few buffers":    {append(streamOf(t, two, nil)[:schemaTwo:schemaTwo], whole[schema:]...), trusting, "message 1: the batch has 1 columns and fields in 2 buffers, but by the schema there are 2 in 5"},
		"a body of 2^62":     {replaced(t, whole, le(16), le(1<<62)), trusting, "its body has 4611686018427387904 bytes, expected 0 to"},
		"a buffer elsewhere": {replaced(t, whole, le(0, 16), le(8, 16)), trusting, "its buffer 1 has 16 bytes at byte 8 of a body of 16"},
		"a negative buffer":  {replaced(t, whole, le(0, 16), le(0, -16)), trusting, "its buffer 1 has -16 bytes"},
	} {
		_, err := readAll(t, c.stream, c.options)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

// le gives numbers as they stand in a stream.
func le(numbers ...int64) (b []byte) {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// replaced changes the first place of a stream that has some bytes.
func replaced(t *testing.T, stream, from, to []byte) []byte {
	t.Helper()
	if !bytes.Contains(stream, from) {
		t.Fatalf("the stream has no %x", from)
	}
	return bytes.Replace(stream, from, to, 1)
}

// What a compressed buffer claims must be possible, and a batch's claims
// plausible.
func TestUnpackedClaims(t *testing.T) {
	packed := func(claim int64, bytes int) []byte { return append(le(claim), make([]byte, bytes)...) }
	buffers := func(body []byte, times int) (b []byte) {
		for range times {
			b = append(b, le(0, int64(len(body)))...)
		}
		return b
	}
	lz4, zstd := &codecs[0], &codecs[1]
	for name, c := range map[string]struct {
		codec    *codec
		body     []byte
		times    int // how many buffers are this one
		unpacked int64
		want     string
	}{
		"the most of LZ4":         {lz4, packed(255*100, 100), 1, 25500, ""},
		"more than LZ4 can":       {lz4, packed(255*100+1, 100), 1, 0, "its buffer 0 claims to unpack from 100 to 25501 bytes, which LZ4 cannot do"},
		"the most of Zstandard":   {zstd, packed(1<<17, 4), 1, 1 << 17, ""},
		"more than Zstandard can": {zstd, packed(1<<17+1, 4), 1, 0, "which Zstandard cannot do"},
		"not packed":              {zstd, packed(-1, 4), 1, 0, ""},
		"less than nothing":       {zstd, packed(-2, 4), 1, 0, "to -2 bytes"},
		"no claim":                {zstd, make([]byte, 7), 1, 0, "has 7 bytes, expected at least 8"},
		"empty":                   {zstd, nil, 3, 0, ""},
		"believed":                {zstd, packed(free, 1<<13), 1, free, ""},
		"not believed":            {zstd, packed(free+plausible*(8+1<<13)+1, 1<<14-1), 2, 0, "claim to unpack to more than"},
		"the same many times":     {zstd, packed(1<<27, 1<<12), 1 << 20, 0, "claim to unpack to more than 269486080: set spark.sql"},
	} {
		h := header{codec: c.codec, buffers: buffers(c.body, c.times)}
		got, err := h.checkBody(c.body)
		if got != c.unpacked || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %d, %v; want %d, %q", name, got, err, c.unpacked, c.want)
		}
	}
}

// allocated measures what f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A count or a length that lies costs an error and little memory. Each word of
// a stream in turn becomes huge or negative.
func TestAbsurdCounts(t *testing.T) {
	for name, stream := range map[string][]byte{"plain": nested(t), "LZ4": nested(t, ipc.WithLZ4()), "Zstandard": nested(t, ipc.WithZstd())} {
		for i := 0; i+8 <= len(stream); i += 4 {
			for _, lie := range [][]byte{{0xFF, 0xFF, 0xFF, 0x7F}, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0}, {0, 0, 0, 0x10}} {
				b := bytes.Clone(stream)
				copy(b[i:], lie)
				// Unchecked: where unpacking fails, Arrow forgets the buffer.
				var err error
				n := allocated(func() { _, err = drain(t, b, Options{Allocator: memory.DefaultAllocator, MaxRows: 1 << 20}) })
				if err != nil && strings.HasPrefix(err.Error(), "message 0") && strings.Contains(err.Error(), "runtime error") {
					t.Errorf("%s: %x at byte %d passes the check: %v", name, lie, i, err)
				}
				if n > 64<<20 {
					t.Fatalf("%s: %x at byte %d makes the reader allocate %d bytes", name, lie, i, n)
				}
			}
		}
	}
}

// meter counts what the reader takes.
type meter struct {
	memory.Allocator
	taken int
}

func (m *meter) Allocate(n int) []byte {
	m.taken += n
	return m.Allocator.Allocate(n)
}

func (m *meter) Reallocate(n int, b []byte) []byte {
	m.taken += max(0, n-len(b))
	return m.Allocator.Reallocate(n, b)
}

// FuzzReader reads streams: a schema that passes the check never trips Arrow's
// reader, and what a message costs is in proportion to its bytes.
func FuzzReader(f *testing.F) {
	f.Add(nested(f))
	f.Add(nested(f, ipc.WithLZ4()))
	f.Add(nested(f, ipc.WithZstd()))
	f.Add(streamOf(f, arrow.NewSchema(nil, nil), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		mem := &meter{Allocator: memory.DefaultAllocator}
		r := NewReader(bytes.NewReader(b), Options{Allocator: mem, MaxRows: 1 << 20, OpenEnd: true})
		defer r.Release()
		for {
			mem.taken = 0
			batch, err := r.Next()
			// The first call also reads the schema: two messages of two parts.
			if most := 4*trusted + free + (plausible+2)*len(b); mem.taken > most {
				t.Fatalf("%d bytes make the reader take %d, more than %d", len(b), mem.taken, most)
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
