// Package arrowipc reads Arrow IPC streams from an untrusted peer: the client
// reads from Spark's server, the worker from Spark's executor, and a job from a
// file or a pipe.
//
// Arrow's own reader trusts the counts in a message's metadata and allocates
// memory by them. This package checks each message before that reader sees it.
//
// # Stream
//
// A stream is a sequence of messages: 0xFFFFFFFF, the metadata's length (u32),
// the metadata, and a body whose length the metadata states. A length of 0 ends
// the stream. Older writers omit the 0xFFFFFFFF. The first message is a schema,
// the others are batches of rows or of a dictionary. All numbers are little-endian.
//
// # Metadata
//
// Metadata is a FlatBuffer:
//
//	buffer  u32 distance to the root table
//	table   i32 distance back to its vtable, then the fields
//	vtable  u16 own size, u16 table's size, for each field u16 its offset in
//	        the table, 0 if absent
//	vector  u32 count, then the elements; an element that is a table is stored
//	        as a u32 distance forward from its own offset; a text is a vector
//
// A field that is a table or a vector holds the u32 distance forward to it.
// Tables, by the numbers of their fields:
//
//	Message          0 i16 version, 1 u8 type of header, 2 header, 3 i64 body's
//	                 length, 4 key-values
//	Schema           0 i16 endianness, 1 fields, 2 key-values
//	Field            0 name, 1 u8 nullable, 2 u8 number of type, 3 type,
//	                 4 dictionary, 5 children (fields), 6 key-values
//	KeyValue         0 key, 1 value
//	Int              0 i32 bits, 1 u8 signed
//	FloatingPoint    0 i16 precision
//	Decimal          0 i32 precision, 1 i32 scale, 2 i32 bits
//	Date, Interval, Duration
//	                 0 i16 unit
//	Time             0 i16 unit, 1 i32 bits
//	Timestamp        0 i16 unit, 1 time zone
//	Map              0 u8 whether its keys are sorted
//	Union            0 i16 mode (1 is dense), 1 types (i32 each)
//	FixedSizeBinary, FixedSizeList
//	                 0 i32 bytes or elements of a value
//	DictionaryEncoding
//	                 0 i64 number of the dictionary, 1 type of the indices (Int),
//	                 2 u8 whether it is ordered, 3 i16 kind
//	RecordBatch      0 i64 rows, 1 nodes (16 bytes each), 2 buffers (i64 offset
//	                 in the body and i64 length each), 3 compression, 4 i64
//	                 number of further buffers of each column of views
//	DictionaryBatch  0 i64 number of the dictionary, 1 its values (a
//	                 RecordBatch of one column), 2 u8 whether they are appended
//	BodyCompression  0 u8 codec: 0 is LZ4's frame format, 1 is Zstandard
//
// A batch has a node for every column and nested field of the schema. The type
// determines the number of buffers of a node: none, one for null flags, and up
// to two for offsets and values.
//
// Spark sends no dictionaries, unions or views; the reader refuses them without
// Options.AnyTypes.
//
// # Body
//
// A body is a sequence of buffers. In a compressed body each buffer is
// compressed separately: i64 decompressed length, then the compressed bytes. A
// length of -1 means that the bytes are not compressed. An empty buffer may
// have no length.
//
// Source: Apache Arrow, "Columnar format", format/Message.fbs and Schema.fbs.
package arrowipc

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Options sets the limits of a Reader.
type Options struct {
	Allocator memory.Allocator
	// MaxRows bounds the number of rows of a batch. Rows of a batch without
	// columns take no bytes.
	MaxRows int64
	// MaxDecompressed bounds the total decompressed size in bytes of the
	// stream's compressed buffers, for a caller that keeps all batches. 0 means
	// no bound; the size of a single batch is always bounded.
	MaxDecompressed int64
	// AnyTypes accepts all types of Arrow, and dictionaries, which Spark does not
	// send.
	AnyTypes bool
	// OpenEnd accepts the end of the input after a complete message as the end
	// of the stream. Without it the stream must declare its end, so that a
	// broken connection is an error.
	OpenEnd bool
}

// Reader reads the batches of one stream. Its errors name the message, counted
// from 0, but not the sender.
type Reader struct {
	messages messages
	arrow    *ipc.Reader // nil until the schema is read
	err      error       // sticky
}

// NewReader returns a Reader of r. It reads nothing until the first Next.
func NewReader(r io.Reader, options Options) *Reader {
	return &Reader{messages: messages{r: r, Options: options}}
}

// Schema returns the schema of the stream, which it reads if Next has not yet.
func (r *Reader) Schema() (schema *arrow.Schema, err error) {
	if r.err != nil {
		return nil, r.err
	}
	defer r.recovered(&err)
	if err := r.open(); err != nil {
		return nil, err
	}
	return r.arrow.Schema(), nil
}

// open creates Arrow's reader, which reads the schema.
func (r *Reader) open() (err error) {
	if r.arrow == nil {
		r.arrow, err = ipc.NewReaderFromMessageReader(&r.messages, ipc.WithAllocator(r.messages.Allocator))
	}
	return err
}

// recovered makes a panic of Arrow's reader an error, and completes and keeps the
// error. Arrow recovers from most panics on malformed data, not from all.
func (r *Reader) recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%v", p)
	}
	switch {
	case *err == nil:
		return
	case r.messages.err != nil: // more precise than Arrow's error
		*err = r.messages.err
	default:
		*err = fmt.Errorf("message %d: %w", r.messages.count-1, *err)
	}
	r.err = *err
}

// Next returns the next batch, which the caller releases, or io.EOF after the
// last one. It does not check the content of the columns: lengths and offsets
// may be wrong, and reading a value may then panic. CheckValues checks them.
func (r *Reader) Next() (batch arrow.RecordBatch, err error) {
	if r.err != nil {
		return nil, r.err
	}
	defer func() {
		if r.err != nil {
			batch = nil
		}
	}()
	defer r.recovered(&err)
	if err := r.open(); err != nil {
		return nil, err
	}
	if batch, err = r.arrow.Read(); err == nil {
		batch.Retain()
	}
	return batch, err
}

// Release frees the reader's memory. Batches that it returned stay valid.
func (r *Reader) Release() {
	if r.arrow != nil {
		r.arrow.Release()
		r.arrow = nil
	}
}
