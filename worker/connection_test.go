package worker

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
)

func TestTasksOfAllVersions(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			f := serveProcess(t, version, nil, "")
			s := f.connect(t, version)
			batch := textBatch("a", nil, "c")
			stream := arrowBytes(t, batch.Schema(), batch, textBatch("d"))

			// First several functions in one batch, one of them a chain. Then, on
			// the same connection, the other kinds of messages.
			a := s.do(request{functions: []functionCall{
				call([]int{0}, hostCall(bundle.Echo)),
				call([]int{0, 0}, hostCall("test_show"), hostCall(bundle.Echo)),
			}}, stream)
			want := answer{
				names:   []string{"_0", "_1"},
				columns: [][]any{{"a", nil, "c", "d"}, {"a|a", "(null)|(null)", "c|c", "d|d"}},
				batches: 2, inArrow: true, reuse: true,
			}
			if !reflect.DeepEqual(a, want) {
				t.Fatalf("got %+v\nwant %+v", a, want)
			}
			for _, q := range []request{
				{barrier: true}, {broadcast: true}, {profiler: "perf"}, {profiler: "other"}, {evalType: 250},
			} {
				q.functions = []functionCall{call([]int{0}, hostCall(bundle.Echo))}
				if a := s.do(q, stream); !a.reuse || len(a.columns) != 1 || len(a.columns[0]) != 4 {
					t.Errorf("%+v: got %+v", q, a)
				}
			}
			if a := s.do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema())); a.inArrow || !a.reuse {
				t.Errorf("no batch: got %+v", a)
			}
			s.conn.Close()
			f.served.Wait()
			if n := strings.Count(f.log.String(), "task done"); n != 7 {
				t.Errorf("the log has %d tasks, expected 7", n)
			}
			if want := "stage=7 partition=5 attempt=1"; !strings.Contains(f.log.String(), want) {
				t.Errorf("the log does not contain %q", want)
			}
		})
	}
}

func TestUnknownVersion(t *testing.T) {
	batch := textBatch("a")
	f := serveProcess(t, "", nil, "")
	if a := f.connect(t, "4.3.0").do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema(), batch)); a.failure != "" || a.batches != 1 {
		t.Errorf("a framed message: got %+v", a)
	}
	a := f.connect(t, "4.0.5").do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema(), batch))
	if want := `set "spark" in manifest.json`; !strings.Contains(a.failure, want) {
		t.Errorf("an older message: %q does not contain %q", a.failure, want)
	}
	g := serveProcess(t, "4.1.4", nil, "")
	a = g.connect(t, "4.3.0").do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema(), batch))
	if want := "made for another server"; !strings.Contains(a.failure, want) {
		t.Errorf("another server: %q does not contain %q", a.failure, want)
	}
}

func TestFailedTasks(t *testing.T) {
	batch := textBatch("boom", "x")
	stream := arrowBytes(t, batch.Schema(), batch)
	python := functionCall{commands: [][]byte{{0x80, 5, 0x95}}}
	named := call([]int{0, 0}, hostCall("test_show"))
	named.args[1].name = "third"
	for _, c := range []struct {
		name string
		q    request
		want string
	}{
		{"python", request{functions: []functionCall{python}}, "this session's Python executable is firesteel"},
		{"eval type", request{evalType: 205}, "this is mapInPandas (eval type 205)"},
		{"unknown eval type", request{evalType: 999}, "an unknown kind of function (eval type 999)"},
		{"encrypted broadcast", request{encrypted: true}, "take no broadcast variables"},
		{"no function", request{}, "it has no functions"},
		{"no command", request{functions: []functionCall{{}}}, "has no command"},
		{"not registered", ask(hostCall("nobody"), 0), `no function "nobody": it has test_bang, `},
		{"no such AI function", ask(bundle.Command{Kind: bundle.AI, Function: "ai_nothing"}, 0), `no AI function "ai_nothing"`},
		{"arguments", ask(bundle.Command{Kind: bundle.AI, Function: "ai_classify"}, 0), "ai_classify: the argument labels is missing: "},
		{"no such parameter", request{functions: []functionCall{named}}, `test_show: it has no parameter third; it has first, second`},
		{"column", ask(hostCall(bundle.Echo), 3), "argument 1 is column 3, but the batch from Spark has 1"},
		{"error", ask(hostCall("test_bang"), 0), "firesteel: test_bang: the text says boom"},
		{"length", ask(hostCall("test_short"), 0), "test_short: the function returned 1 results for 2 rows"},
		{"panic", ask(hostCall("test_panic"), 0), "test_panic: panic: runtime error: index out of range"},
		{"no model", ask(bundle.Command{Kind: bundle.AI, Function: "ai_gen"}, 0), "the session has no model with the role text"},
	} {
		for _, version := range versions {
			if c.q.encrypted && version != "4.3.0" || c.name == "no such parameter" && version == "3.5.1" {
				continue
			}
			t.Run(c.name+"/"+version, func(t *testing.T) {
				f := serveProcess(t, version, nil, "")
				a := f.connect(t, version).do(c.q, stream)
				if !strings.Contains(a.failure, c.want) || a.inArrow {
					t.Errorf("got %+v, expected the text %q", a, c.want)
				}
			})
		}
	}
}

func TestErrorMidStream(t *testing.T) {
	for _, version := range versions {
		f := serveProcess(t, version, nil, "")
		good := textBatch("fine", "too")
		a := f.connect(t, version).do(ask(hostCall("test_bang"), 0), arrowBytes(t, good.Schema(), good, textBatch("boom"), good))
		if a.batches != 1 || !a.inArrow || !strings.Contains(a.failure, "the text says boom") {
			t.Errorf("Spark %s: got %+v", version, a)
		}
	}
}

func TestNamedArguments(t *testing.T) {
	f := serveProcess(t, "4.1.4", nil, "")
	c := call([]int{1, 0}, hostCall("test_show"))
	c.args[0].name, c.args[1].name = "SECOND", "first"
	l, r := textBatch("l").Column(0), textBatch("r").Column(0)
	batch := batchOf(l, r)
	a := f.connect(t, "4.1.4").do(request{functions: []functionCall{c}}, arrowBytes(t, batch.Schema(), batch))
	if !reflect.DeepEqual(a.columns, [][]any{{"l|r"}}) {
		t.Errorf("got %+v", a)
	}
}

func TestBatchesOfUnusualSize(t *testing.T) {
	f := serveProcess(t, "4.3.0", nil, "")
	s := f.connect(t, "4.3.0")
	long := strings.Repeat("0123456789abcdef", 1<<17) // 2 MB
	a := s.do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, textBatch().Schema(), textBatch(), textBatch(long), textBatch()))
	if a.batches != 3 || len(a.columns[0]) != 1 || a.columns[0][0] != long {
		t.Errorf("empty batches around a long text: %d batches, failure %q", a.batches, a.failure)
	}
	none := array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 3)
	a = s.do(ask(hostCall(bundle.Info)), arrowBytes(t, none.Schema(), none))
	if len(a.columns) != 1 || len(a.columns[0]) != 3 || !strings.Contains(fmt.Sprint(a.columns[0][0]), `"tasks":2`) {
		t.Errorf("a batch without columns: got %+v", a)
	}
	huge := array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 1<<40)
	a = s.do(ask(hostCall(bundle.Info)), arrowBytes(t, none.Schema(), huge))
	if want := "set spark.sql.execution.arrow.maxRecordsPerBatch"; !strings.Contains(a.failure, want) {
		t.Errorf("a batch of 2^40 rows: %q does not contain %q", a.failure, want)
	}
}

func TestLargeVarTypes(t *testing.T) {
	f := serveProcess(t, "4.1.4", nil, "")
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues([]int64{7, -1}, []bool{true, false})
	batch := batchOf(b.NewArray())
	q := ask(hostCall(bundle.Echo), 0)
	q.conf = []string{"spark.sql.execution.arrow.useLargeVarTypes", "true"}
	a := f.connect(t, "4.1.4").do(q, arrowBytes(t, batch.Schema(), batch))
	if !reflect.DeepEqual(a.columns, [][]any{{"7", nil}}) {
		t.Errorf("got %+v", a)
	}
}

// Arguments of all types reach a function unchanged, from plain and compressed
// streams (spark.sql.execution.arrow.compression.codec).
func TestArgumentTypes(t *testing.T) {
	record := arrow.StructOf(
		arrow.Field{Name: "k", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		arrow.Field{Name: "v", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true})
	columns := []struct {
		dt   arrow.DataType
		json string
	}{
		{record, `[{"k": 1, "v": ["a", null]}, {"k": null, "v": null}, null]`},
		{arrow.ListOf(record), `[[{"k": 2, "v": []}], [], null]`},
		{arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64), `[[{"key": "x", "value": 0.5}], [], null]`},
		{arrow.FixedWidthTypes.Boolean, `[true, false, null]`},
		{arrow.FixedWidthTypes.Timestamp_us, `["2024-02-29T12:00:00Z", "1969-12-31T23:59:59.999999Z", null]`},
		{&arrow.Decimal128Type{Precision: 38, Scale: 18}, `["1.5", "-0.000000000000000001", null]`},
		{arrow.BinaryTypes.Binary, `["AAE=", "", null]`},
		{arrow.Null, `[null, null, null]`},
	}
	var arrays []arrow.Array
	var want []any
	var indices []int
	for i, c := range columns {
		arrays = append(arrays, fromJSON(t, memory.DefaultAllocator, c.dt, c.json))
		indices = append(indices, i)
	}
	for row := range 3 {
		var texts []string
		for _, a := range arrays {
			texts = append(texts, a.ValueStr(row))
		}
		want = append(want, strings.Join(texts, "|"))
	}
	batch := batchOf(arrays...)
	for name, options := range map[string][]ipc.Option{"plain": nil, "zstd": {ipc.WithZstd()}, "lz4": {ipc.WithLZ4()}} {
		t.Run(name, func(t *testing.T) {
			f := serveProcess(t, "4.3.0", nil, "")
			var stream bytes.Buffer
			w := ipc.NewWriter(&stream, append(options, ipc.WithSchema(batch.Schema()))...)
			if err := errors.Join(w.Write(batch), w.Close()); err != nil {
				t.Fatal(err)
			}
			a := f.connect(t, "4.3.0").do(ask(hostCall("test_show"), indices...), stream.Bytes())
			if !reflect.DeepEqual(a.columns, [][]any{want}) {
				t.Errorf("got %+v\nwant %q", a, want)
			}
		})
	}
}

// Of many concurrent tasks some are cancelled at different points. The others
// get their answers, and all memory and CPUs are freed.
func TestConcurrentTasks(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	f := serveProcess(t, "4.3.0", m.Models, root)
	batch := textBatch("one", nil, "three")
	stream := arrowBytes(t, batch.Schema(), batch, batch, batch)
	gen := ask(bundle.Command{Kind: bundle.AI, Function: "ai_gen"}, 0)
	whole := append(gen.init("4.3.0"), stream...)
	const connections, tasks = 12, 10
	var wait sync.WaitGroup
	for k := range connections {
		s := f.connect(t, "4.3.0")
		wait.Go(func() {
			for range tasks {
				if a := s.do(gen, stream); a.batches != 3 || !a.reuse {
					t.Errorf("got %+v", a)
					break
				}
			}
			s.send(whole[:len(whole)*k/connections])
			s.conn.Close()
		})
	}
	wait.Wait()
	f.served.Wait()
	if f.models.all[0].cpus != 0 || f.models.loads() != 1 {
		t.Errorf("%d CPUs are still in use, the model was loaded %d times", f.models.all[0].cpus, f.models.loads())
	}
	if n := strings.Count(f.log.String(), "task done"); n != connections*tasks {
		t.Errorf("%d tasks are done, expected %d", n, connections*tasks)
	}
}

// A task that computes neither reads nor writes. It must still stop when Spark
// cancels it, over both kinds of sockets and with unread input.
func TestCancel(t *testing.T) {
	type closer interface{ CloseWrite() error }
	batch := textBatch("a")
	for _, network := range []string{"tcp", "unix"} {
		for _, half := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s half=%v", network, half), func(t *testing.T) {
				f := serveProcess(t, "4.3.0", nil, "")
				f.network = network
				s := f.connect(t, "4.3.0")
				before := stopped.Load()
				var end javaOut
				end.putInt(-4)
				s.send(ask(hostCall("test_hang"), 0).init("4.3.0"), arrowBytes(t, batch.Schema(), batch, batch, batch), end.Bytes())
				<-hanging
				// All input has been sent and the connection is open: several
				// checks of the socket must not end the task.
				time.Sleep(3 * watchInterval)
				if stopped.Load() != before {
					t.Fatal("the task was stopped while Spark waits for it")
				}
				if half {
					if err := s.conn.(closer).CloseWrite(); err != nil {
						t.Fatal(err)
					}
				} else {
					s.conn.Close()
				}
				for end := time.Now().Add(20 * time.Second); stopped.Load() == before && time.Now().Before(end); {
					time.Sleep(5 * time.Millisecond)
				}
				if stopped.Load() == before {
					t.Fatal("the task was not stopped")
				}
				s.conn.Close()
				f.served.Wait()
				if !strings.Contains(f.log.String(), "task cancelled") {
					t.Error("the log does not report the cancelled task")
				}
			})
		}
	}
}

// A connection that breaks inside a batch or an init message fails the task.
func TestTruncatedInput(t *testing.T) {
	f := serveProcess(t, "4.3.0", nil, "")
	batch := textBatch("some text", "more text")
	stream := arrowBytes(t, batch.Schema(), batch)
	init := ask(hostCall(bundle.Echo), 0).init("4.3.0")
	for cut := 0; cut < len(stream); cut += 7 {
		s := f.connect(t, "4.3.0")
		s.send(init, stream[:cut])
		s.conn.Close()
	}
	for cut := 1; cut < len(init); cut += 7 {
		s := f.connect(t, "4.3.0")
		s.send(init[:cut])
		s.conn.Close()
	}
	f.served.Wait()
	if strings.Contains(f.log.String(), "task done") {
		t.Error("a task succeeded on truncated input")
	}
}
