package worker

// This file implements Spark's side of the protocol for tests. It shares no code
// with the worker's side.

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
)

// versions has one version of Spark for each layout.
var versions = []string{"3.5.1", "4.0.5", "4.1.4", "4.2.1", "4.3.0"}

// javaOut encodes values like Java's DataOutputStream.
type javaOut struct{ bytes.Buffer }

func (o *javaOut) putInt(v ...int) {
	for _, i := range v {
		_ = binary.Write(o, binary.BigEndian, int32(i))
	}
}
func (o *javaOut) putLong(v int64) { _ = binary.Write(o, binary.BigEndian, v) }
func (o *javaOut) putBool(v bool)  { _ = binary.Write(o, binary.BigEndian, v) }
func (o *javaOut) putText(texts ...string) {
	for _, s := range texts {
		o.putInt(len(s))
		o.WriteString(s)
	}
}
func (o *javaOut) putMap(kv ...string) {
	o.putInt(len(kv) / 2)
	o.putText(kv...)
}

// request describes a task that the fake Spark sends.
type request struct {
	barrier   bool
	evalType  int // 0 means 200
	cpus      int // 0 means 1
	profiler  string
	broadcast bool     // one unencrypted variable, and one to drop
	encrypted bool     // a variable behind a server
	conf      []string // keys and values
	functions []functionCall
}

func ask(command bundle.Command, columns ...int) request {
	return request{functions: []functionCall{call(columns, command)}}
}

func call(columns []int, commands ...bundle.Command) functionCall {
	var f functionCall
	for _, c := range columns {
		f.args = append(f.args, argument{column: c})
	}
	for _, c := range commands {
		f.commands = append(f.commands, c.Encode())
	}
	return f
}

func hostCall(name string) bundle.Command { return bundle.Command{Kind: bundle.Host, Function: name} }

// init encodes the init message of a version.
func (q request) init(version string) []byte {
	var o javaOut
	o.putInt(5) // partition
	o.putText("3.11")
	cpus := max(q.cpus, 1)
	switch version {
	case "4.2.1", "4.3.0":
		o.putText(fmt.Sprintf(`{"isBarrier":%v,"connInfo":null,"secret":null,"stageId":7,"partitionId":5,"attemptNumber":1,`+
			`"taskAttemptId":99,"cpus":%d,"cpuAmount":"%d","resources":{"gpu":{"name":"gpu","addresses":["0"]}},"localProperties":{"a":"b"}}`, q.barrier, cpus, cpus))
	default:
		o.putBool(q.barrier)
		if version == "4.1.4" {
			if q.barrier {
				o.putInt(-1)
				o.putText("/tmp/barrier.sock")
			}
		} else {
			o.putInt(0)
			o.putText("")
		}
		o.putInt(7, 5, 1) // stage, partition, attempt
		o.putLong(99)
		o.putInt(cpus)
		o.putInt(1) // resources
		o.putText("gpu", "gpu")
		o.putInt(2)
		o.putText("0", "1")
		o.putMap("spark.job.description", "a statement", "other", "")
	}
	o.putText("/spark/files")
	o.putInt(2)
	o.putText("one.py", "two.zip")
	switch {
	case q.encrypted:
		o.putBool(true)
		o.putInt(1)
		o.putInt(4711)
		o.putText("secret")
		o.putLong(3)
	case q.broadcast:
		o.putBool(false)
		o.putInt(2)
		o.putLong(3)
		o.putText("/tmp/broadcast3")
		o.putLong(-3)
	default:
		o.putBool(false)
		o.putInt(0)
	}
	if q.evalType == 0 {
		q.evalType = 200
	}
	o.putInt(q.evalType)
	o.putMap(append([]string{"spark.sql.session.timeZone", "UTC"}, q.conf...)...)
	switch version {
	case "4.0.5", "4.1.4":
		o.putBool(q.profiler != "")
		if q.profiler != "" {
			o.putText(q.profiler)
		}
	case "4.2.1", "4.3.0":
		o.putMap("input_type", "{}")
	}
	o.putInt(len(q.functions))
	for _, f := range q.functions {
		o.putInt(len(f.args))
		for _, a := range f.args {
			o.putInt(a.column)
			if version != "3.5.1" {
				o.putBool(a.name != "")
				if a.name != "" {
					o.putText(a.name)
				}
			}
		}
		o.putInt(len(f.commands))
		for _, c := range f.commands {
			o.putText(string(c))
		}
		if version >= "4.2" || (version >= "4.0" && (q.profiler == "perf" || q.profiler == "memory")) {
			o.putLong(17)
		}
	}
	if version != "4.3.0" {
		return o.Bytes()
	}
	var framed javaOut
	framed.putInt(-8, o.Len())
	framed.Write(o.Bytes())
	return framed.Bytes()
}

// arrowBytes encodes batches as an Arrow stream.
func arrowBytes(t testing.TB, schema *arrow.Schema, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(schema))
	for _, batch := range batches {
		if err := w.Write(batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// textBatch returns a batch of one utf8 column; nil is NULL.
func textBatch(values ...any) arrow.RecordBatch {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for _, v := range values {
		if v == nil {
			b.AppendNull()
		} else {
			b.Append(v.(string))
		}
	}
	return batchOf(b.NewArray())
}

func batchOf(columns ...arrow.Array) arrow.RecordBatch {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: fmt.Sprintf("_%d", i), Type: c.DataType(), Nullable: true}
	}
	rows := 0
	if len(columns) > 0 {
		rows = columns[0].Len()
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(rows))
}

// answer is the worker's reply to a task.
type answer struct {
	names   []string
	columns [][]any // formatted values of each column; nil is NULL
	batches int
	failure string // the text of PYTHON_EXCEPTION_THROWN
	inArrow bool   // the Arrow stream had begun
	reuse   bool   // the connection is ready for another task
}

// sparkSide is the fake Spark's end of a connection.
type sparkSide struct {
	t       testing.TB
	version string
	conn    net.Conn
	r       *bufio.Reader
}

func (s *sparkSide) int() int {
	s.t.Helper()
	var v int32
	if err := binary.Read(s.r, binary.BigEndian, &v); err != nil {
		s.t.Fatalf("reading an int from the worker: %v", err)
	}
	return int(v)
}

func (s *sparkSide) text() string {
	s.t.Helper()
	b := make([]byte, s.int())
	if _, err := io.ReadFull(s.r, b); err != nil {
		s.t.Fatalf("reading a text from the worker: %v", err)
	}
	return string(b)
}

func (s *sparkSide) send(parts ...[]byte) {
	// A failed worker may stop reading; then the reply has the error.
	for _, p := range parts {
		if _, err := s.conn.Write(p); err != nil {
			return
		}
	}
}

// do runs a task: it reads the reply while it sends the input.
func (s *sparkSide) do(q request, stream []byte) answer {
	s.t.Helper()
	sent := s.start(q, stream)
	a := s.reply()
	if a.failure != "" {
		s.conn.Close() // as Spark does
	}
	<-sent
	return a
}

// start sends a task in the background; sent is closed at the end.
func (s *sparkSide) start(q request, stream []byte) (sent chan struct{}) {
	var end javaOut
	end.putInt(-4)
	sent = make(chan struct{})
	go func() {
		defer close(sent)
		s.send(q.init(s.version), stream, end.Bytes())
	}()
	return sent
}

func (s *sparkSide) reply() (a answer) {
	s.t.Helper()
	mark := s.int()
	if mark == -6 {
		a.inArrow = true
		r, err := ipc.NewReader(s.r)
		if err != nil {
			s.t.Fatalf("the worker's Arrow stream: %v", err)
		}
		for _, f := range r.Schema().Fields() {
			a.names = append(a.names, f.Name)
		}
		a.columns = make([][]any, len(a.names))
		for r.Next() {
			a.batches++
			for i, c := range r.RecordBatch().Columns() {
				for k := range c.Len() {
					var v any
					if c.IsValid(k) {
						v = c.ValueStr(k)
					}
					a.columns[i] = append(a.columns[i], v)
				}
			}
		}
		if r.Err() != nil {
			s.t.Fatalf("the worker's Arrow stream: %v", r.Err())
		}
		r.Release()
		mark = s.int()
	}
	a.failure, a.reuse = s.trailer(mark)
	return a
}

// countBatches reads a reply without decoding its batches.
func (s *sparkSide) countBatches() (batches int) {
	s.t.Helper()
	mark := s.int()
	if mark == -6 {
		messages := -1 // the first is the schema
		r := ipc.NewMessageReader(s.r)
		for _, err := r.Message(); err != io.EOF; _, err = r.Message() {
			if err != nil {
				s.t.Fatalf("the worker's Arrow stream: %v", err)
			}
			messages++
		}
		r.Release()
		batches, mark = messages, s.int()
	}
	if failure, reuse := s.trailer(mark); !reuse {
		s.t.Fatalf("the worker failed or does not reuse the connection: %q", failure)
	}
	return batches
}

// trailer reads the reply after the batches; mark is its first int.
func (s *sparkSide) trailer(mark int) (failure string, reuse bool) {
	s.t.Helper()
	switch mark {
	case -2:
		return s.text(), false
	case -3:
	default:
		s.t.Fatalf("the worker sent the mark %d instead of its timing", mark)
	}
	longs := 3 + 2
	if s.version >= "4.2" {
		longs++
	}
	for range longs {
		var v int64
		if err := binary.Read(s.r, binary.BigEndian, &v); err != nil {
			s.t.Fatal(err)
		}
	}
	if mark := s.int(); mark != -1 {
		s.t.Fatalf("the worker sent %d instead of the end of its data section", mark)
	}
	if n := s.int(); n != 0 {
		s.t.Fatalf("the worker sent %d accumulator updates", n)
	}
	return "", s.int() == -4
}
