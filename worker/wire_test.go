package worker

import (
	"bufio"
	"bytes"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
)

func TestLayoutOf(t *testing.T) {
	for version, want := range map[string]layout{
		"3.5.0": layout35, "3.5.1": layout35, "4.0.0-preview2": layout40, "4.1.4": layout41, "4.2.0-SNAPSHOT": layout42,
		"4.3.0": layout43, "4.4.0": layout43, "5.0.0": layout43, "4.1": layout41,
		"3.4.2": layoutUnknown, "four": layoutUnknown, "4": layoutUnknown,
	} {
		got, err := layoutOf(version)
		if got != want || (err == nil) != (want != layoutUnknown) {
			t.Errorf("%s: got %s, %v; want %s", version, got, err, want)
		}
	}
}

func TestSparkOfPath(t *testing.T) {
	for path, want := range map[string]string{
		"/s/python/lib/pyspark.zip:/s/python/lib/py4j-0.10.9.9-src.zip:/s/jars/spark-core_2.13-4.1.4.jar:": "4.1.4",
		"/jars/spark-core_2.12-3.5.1-amzn-0.jar":                                                           "3.5.1-amzn-0",
		"":                                                                                                 "",
		"/jars/spark-connect_2.13-4.0.0.jar":                                                               "",
	} {
		if got := sparkOfPath(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

// TestReadInit checks all fields that the worker uses, in all layouts.
func TestReadInit(t *testing.T) {
	for _, version := range versions {
		for _, profiler := range []string{"", "perf", "memory", "none"} {
			l, _ := layoutOf(version)
			q := request{cpus: 3, barrier: true, broadcast: true, profiler: profiler, conf: []string{"key", "value"},
				functions: []functionCall{
					{args: []argument{{column: 2}, {column: 0}}, commands: [][]byte{[]byte("one"), []byte("two")}},
					{args: []argument{}, commands: [][]byte{[]byte("three")}},
				}}
			r := bufio.NewReader(bytes.NewReader(append(q.init(version), "rest"...)))
			m, err := readInit(r, l, &bytes.Buffer{})
			if err != nil {
				t.Errorf("Spark %s, profiler %q: %v", version, profiler, err)
				continue
			}
			q.functions[1].args = nil
			if !reflect.DeepEqual(m.functions, q.functions) || m.partition != 5 || m.evalType != 200 || m.pythonVersion != "3.11" ||
				m.conf["key"] != "value" || !reflect.DeepEqual(m.context, taskContext{Stage: 7, Partition: 5, Attempt: 1, ID: 99, CPUs: 3, Properties: m.context.Properties}) {
				t.Errorf("Spark %s: got %+v", version, m)
			}
			if rest, _ := io.ReadAll(r); string(rest) != "rest" {
				t.Errorf("Spark %s: the reader left %q", version, rest)
			}
		}
	}
}

// The error for a truncated message names the field and the offset.
func TestTruncatedInit(t *testing.T) {
	for _, version := range versions {
		l, _ := layoutOf(version)
		whole := ask(hostCall(bundle.Echo), 0).init(version)
		for n := 1; n < len(whole); n++ {
			_, err := readInit(bufio.NewReader(bytes.NewReader(whole[:n])), l, &bytes.Buffer{})
			if err == nil || err == io.EOF || !strings.Contains(err.Error(), "at byte ") {
				t.Fatalf("Spark %s, the first %d of %d bytes: got %v", version, n, len(whole), err)
			}
		}
		if _, err := readInit(bufio.NewReader(bytes.NewReader(nil)), l, &bytes.Buffer{}); err != io.EOF {
			t.Errorf("Spark %s, no byte at all: got %v", version, err)
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

// A wrong count or length takes little memory. The test replaces each int of a
// message in turn by a huge or negative number.
func TestWrongCounts(t *testing.T) {
	for _, version := range versions {
		l, _ := layoutOf(version)
		whole := ask(hostCall(bundle.Echo), 0).init(version)
		for i := 0; i+4 <= len(whole); i++ {
			for _, wrong := range [][]byte{{0x7F, 0xFF, 0xFF, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFE}, {0x03, 0xFF, 0xFF, 0xFF}} {
				b := bytes.Clone(whole)
				copy(b[i:], wrong)
				n := allocated(func() { _, _ = readInit(bufio.NewReader(bytes.NewReader(b)), l, &bytes.Buffer{}) })
				if n > 4<<20 {
					t.Fatalf("Spark %s: %x at byte %d makes the reader allocate %d bytes", version, wrong, i, n)
				}
			}
		}
	}
}

// FuzzWire reads init messages of all layouts. It checks that the reader does
// not panic and that a message has no more items than bytes.
func FuzzWire(f *testing.F) {
	q := ask(hostCall(bundle.Echo), 0)
	q.barrier, q.broadcast, q.profiler = true, true, "perf"
	for _, version := range versions {
		l, _ := layoutOf(version)
		f.Add(int(l), ask(hostCall(bundle.Echo), 0).init(version))
		f.Add(int(l), q.init(version))
	}
	f.Add(0, []byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, l int, b []byte) {
		if l < 0 || l >= len(shapes) {
			return
		}
		m, err := readInit(bufio.NewReader(bytes.NewReader(b)), layout(l), &bytes.Buffer{})
		if err != nil {
			return
		}
		items := len(m.conf)
		for _, c := range m.functions {
			items += 1 + len(c.args) + len(c.commands)
			for _, command := range c.commands {
				_, _ = resolve(command)
			}
		}
		if items > len(b) {
			t.Errorf("%d items from %d bytes", items, len(b))
		}
	})
}

// Errors in the Arrow stream name Spark as its source.
func TestInvalidArrowStream(t *testing.T) {
	batch := textBatch("a")
	whole := arrowBytes(t, batch.Schema(), batch)
	for _, c := range []struct {
		stream []byte
		want   string
	}{
		{arrowBytes(t, arrow.NewSchema([]arrow.Field{{Name: "_0", Type: arrow.BinaryTypes.StringView}}, nil)),
			"the Arrow stream from Spark: message 0: a column has Arrow type 24"},
		{whole[:len(whole)-8], "the Arrow stream from Spark: message 2: the stream ends"}, // without its end mark
	} {
		in := prefetch(t.Context(), bytes.NewReader(c.stream), oneStream, memory.DefaultAllocator)
		var err error
		for err == nil {
			_, err = in.next(t.Context())
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v does not contain %q", err, c.want)
		}
		in.end()
	}
}

// FuzzArrow runs a task over Arrow streams. Malformed data must give an error,
// in the reader, a function or the writer of the results, and not a panic.
func FuzzArrow(f *testing.F) {
	show, err := lookupHost("test_show")
	if err != nil {
		f.Fatal(err)
	}
	text := textBatch("a", nil, "b")
	f.Add(arrowBytes(f, text.Schema(), text))
	record := arrow.StructOf(arrow.Field{Name: "k", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)}, arrow.Field{Name: "v", Type: arrow.FixedWidthTypes.Boolean})
	nested := batchOf(
		fromJSON(f, memory.DefaultAllocator, arrow.MapOf(arrow.BinaryTypes.String, record), `[[{"key": "x", "value": {"k": [1, 2], "v": true}}], [], null]`),
		fromJSON(f, memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 9, Scale: 2}, `["1.50", null, "-2.25"]`))
	f.Add(arrowBytes(f, nested.Schema(), nested, nested))
	f.Fuzz(func(t *testing.T, b []byte) {
		mem := memory.DefaultAllocator
		task := &task{scope: scope{mem: mem}, columns: []column{
			{args: []int{0}, chain: []evaluator{show}},
			{args: []int{0}, chain: []evaluator{echo{}}},
		}}
		in := prefetch(t.Context(), bytes.NewReader(b), oneStream, mem)
		defer in.end()
		_ = runTask(t.Context(), task, in, &reply{w: bufio.NewWriter(io.Discard), mem: mem})
	})
}
