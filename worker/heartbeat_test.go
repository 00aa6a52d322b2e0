package worker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// A computing task sends empty batches with the types of its results, and
// nothing if these types are not known yet.
func TestHeartbeat(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	var sent bytes.Buffer
	out := &reply{w: bufio.NewWriter(&sent), mem: mem}
	length := func() int {
		out.mu.Lock()
		defer out.mu.Unlock()
		return sent.Len()
	}
	untyped := &task{columns: []column{{chain: []evaluator{info{}}}, {chain: []evaluator{echo{}}}}}
	stop := startHeartbeat(untyped, out)
	time.Sleep(heartbeatInterval + heartbeatInterval/2)
	stop()
	if n := length(); n > 0 {
		t.Fatalf("%d bytes were sent before the types were known", n)
	}

	typed := &task{columns: []column{{chain: []evaluator{info{}}}}}
	stop = startHeartbeat(typed, out)
	for end := time.Now().Add(20 * time.Second); length() == 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	batch := textBatch("an answer")
	defer batch.Release()
	renamed := batchOf(batch.Column(0))
	defer renamed.Release()
	if err := out.write(renamed); err != nil {
		t.Fatal(err)
	}
	stop()
	before := length()
	time.Sleep(heartbeatInterval + heartbeatInterval/2)
	if n := length(); n != before {
		t.Errorf("%d bytes were sent after the end of the task", n-before)
	}
	if err := out.endStream(); err != nil {
		t.Fatal(err)
	}
	if err := out.w.Flush(); err != nil {
		t.Fatal(err)
	}

	if mark := int32(binary.BigEndian.Uint32(sent.Next(4))); mark != startArrowStream {
		t.Fatalf("the reply begins with %d", mark)
	}
	r, err := ipc.NewReader(&sent, ipc.WithAllocator(mem))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var rows []int64
	for {
		b, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if f := b.Schema().Field(0); f.Name != "_0" || f.Type.ID() != arrow.STRING {
			t.Fatalf("the column is %v", f)
		}
		rows = append(rows, b.NumRows())
	}
	// At least one heartbeat precedes the results, and only the results have
	// rows.
	total := int64(0)
	for _, n := range rows {
		total += n
	}
	if len(rows) < 2 || rows[0] != 0 || total != 1 {
		t.Errorf("batches of %v rows", rows)
	}
}
