package worker

// The protocol between Spark and its Python workers in Spark 3.5 to 4.3. Source:
// pyspark's daemon.py, worker.py and serializers.py.
//
//	start     Spark runs `program -m pyspark.daemon pyspark.worker` (3.5 without
//	          the last word) once per executor and session. The program listens
//	          on loopback and writes to its standard output: int port; or, with
//	          PYTHON_UNIX_DOMAIN_ENABLED=true, text: path of a Unix socket in
//	          PYTHON_WORKER_FACTORY_SOCK_DIR. After that, standard input carries
//	          ints, the ids of processes to kill. The program exits at its end.
//	connect   A connection serves several tasks, one after another.
//	          worker: int process id (of a live process, or Spark drops the
//	          connection)
//	          TCP only, Spark: text PYTHON_WORKER_FACTORY_SECRET
//	          TCP only, worker: text "ok" or "err"
//	task      Spark: init message (wire_init.go), then an Arrow IPC stream, then
//	          int END_OF_STREAM. For aggregates each batch of the stream is a
//	          group. From 4.1 on a group may have several batches: Spark sends
//	          for each group int 1 and an Arrow IPC stream, and after the last
//	          group int 0.
//	          worker: int START_ARROW_STREAM before the first result batch, an
//	          Arrow IPC stream with the columns _0, _1, ... (both only if there
//	          is a batch); then
//	            int TIMING_DATA, long boot, init and finish in ms since 1970,
//	            from 4.2 on long ms of processing,
//	            long memory spilled, long disk spilled,
//	            int END_OF_DATA_SECTION, int number of accumulator updates (0),
//	          and, after END_OF_STREAM has arrived, int END_OF_STREAM: the
//	          connection is ready for the next task.
//	          For an aggregate Spark takes the first row of each result batch.
//	error     worker: ends the Arrow stream if it has begun, then
//	            int PYTHON_EXCEPTION_THROWN, text;
//	          then Spark closes the connection.
//	cancel    Spark closes the connection or its own half of it, which it never
//	          does while it still needs the task. When a query is cancelled
//	          while Spark waits for the worker, Spark closes the connection at
//	          the next check of its monitor plus spark.python.task.killTimeout
//	          (2 s), or as soon as a batch arrives: see heartbeat.go.
//	idle      With spark.python.worker.killOnIdleTimeout (4.1 and later, off by
//	          default) Spark terminates the process with the reported id if a
//	          task sends nothing for spark.python.worker.idleTimeoutSeconds.
//	          Here that ends all tasks of the executor.
//
// An int has 4 bytes and a long 8, big-endian; a bool has 1. A text is an int,
// its length in bytes, followed by UTF-8. The negative marks take the place of
// a length.
//
// Without the daemon (spark.python.use.daemon=false) Spark runs
// `program -m pyspark.worker` for each task. The program connects to
// PYTHON_WORKER_FACTORY_PORT or PYTHON_WORKER_FACTORY_SOCK_PATH, sends the
// secret and reads "ok" (TCP only), and continues as above with its process id.

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	endOfDataSection      = -1
	pythonExceptionThrown = -2
	timingData            = -3
	endOfStream           = -4
	nullText              = -5
	startArrowStream      = -6
	startOfInitMessage    = -8
)

// wireReader reads the protocol's primitives. err holds the first error, after
// which all reads return zero, so that a caller checks for errors once, after a
// sequence of fields.
type wireReader struct {
	r   io.Reader
	n   int64 // bytes read
	err error
}

// fail records the first error with its field and offset.
func (d *wireReader) fail(field string, err error) {
	if d.err == nil {
		d.err = fmt.Errorf("%s (at byte %d of the message from Spark): %w", field, d.n, err)
	}
}

func (d *wireReader) fixed(field string, b []byte) bool {
	if d.err != nil {
		return false
	}
	n, err := io.ReadFull(d.r, b)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		d.fail(field, err)
		return false
	}
	d.n += int64(n)
	return true
}

func (d *wireReader) int(field string) int {
	var b [4]byte
	if !d.fixed(field, b[:]) {
		return 0
	}
	return int(int32(binary.BigEndian.Uint32(b[:])))
}

func (d *wireReader) long(field string) int64 {
	var b [8]byte
	if !d.fixed(field, b[:]) {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b[:]))
}

func (d *wireReader) bool(field string) bool {
	var b [1]byte
	if !d.fixed(field, b[:]) {
		return false
	}
	if b[0] > 1 {
		d.fail(field, fmt.Errorf("the flag is %d, neither 0 nor 1", b[0]))
	}
	return b[0] == 1
}

// count reads the number of items that follow, at most max.
func (d *wireReader) count(field string, max int) int {
	n := d.int(field)
	if d.err == nil && (n < 0 || n > max) {
		d.fail(field, fmt.Errorf("the count is %d, expected 0 to %d", n, max))
		return 0
	}
	return n
}

// bytes reads a length, at most max, and as many bytes.
func (d *wireReader) bytes(field string, max int) []byte {
	n := d.int(field)
	switch {
	case d.err != nil, n == nullText:
		return nil
	case n < 0 || n > max:
		d.fail(field, fmt.Errorf("the length is %d, expected 0 to %d", n, max))
		return nil
	}
	b, err := readGrowing(d.r, n)
	d.n += int64(len(b))
	if err != nil {
		d.fail(field, err)
		return nil
	}
	return b
}

func (d *wireReader) text(field string) string { return string(d.bytes(field, maxText)) }

// readGrowing reads n bytes into a buffer that grows as they arrive, so that a
// wrong length does not allocate memory.
func readGrowing(r io.Reader, n int) ([]byte, error) {
	const small = 64 << 10 // allocated at once
	if n <= small {
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, unexpectedEOF(err)
		}
		return b, nil
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		return nil, unexpectedEOF(err)
	}
	return b.Bytes(), nil
}

// unexpectedEOF replaces io.EOF, which callers take for the proper end of the
// input, by io.ErrUnexpectedEOF.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func appendInt(b []byte, v int) []byte { return binary.BigEndian.AppendUint32(b, uint32(int32(v))) }

func appendLong(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

func appendText(b []byte, s string) []byte { return append(appendInt(b, len(s)), s...) }
