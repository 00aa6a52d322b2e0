// Package arrowipc reads Arrow IPC streams from a peer that is not trusted:
// Spark's server for the client, Spark's executor for the worker.
//
// Arrow's own reader believes the counts inside a message's metadata and takes
// memory by them. So every message is checked before that reader sees it.
//
// # Stream
//
// A stream is a sequence of messages: 0xFFFFFFFF, the metadata's length (u32),
// the metadata, and a body whose length the metadata states. A length of 0 ends
// the stream. Older writers leave out the 0xFFFFFFFF. The first message is a
// schema, each further one a record batch. All numbers are little-endian.
//
// # Metadata
//
// Metadata is a FlatBuffer:
//
//	buffer  u32 distance to the root table
//	table   i32 distance back to its vtable, then the fields
//	vtable  u16 own size, u16 table's size, for each field u16 its place in
//	        the table, 0 if absent
//	vector  u32 count, then the elements; where these are tables, for each
//	        a u32 distance forward from its own place; a text is a vector
//
// A field that is a table or a vector holds the u32 distance forward to it.
// Tables, by the numbers of their fields:
//
//	Message          0 i16 version, 1 u8 kind of header, 2 header, 3 i64 body's
//	                 length, 4 key-values
//	Schema           0 i16 endianness, 1 fields, 2 key-values
//	Field            0 name, 1 u8 nullable, 2 u8 kind of type, 3 type,
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
//	RecordBatch      0 i64 rows, 1 nodes (16 bytes each), 2 buffers (i64 place
//	                 in the body and i64 length each), 3 compression
//	BodyCompression  0 u8 codec: 0 is LZ4's frame, 1 is Zstandard
//
// A batch has a node for every column and field of the schema, and as many
// buffers for each as its type tells: none, one for null flags, and up to two
// for offsets and values.
//
// Spark sends no dictionaries, unions or views, so those are refused.
//
// # Body
//
// A body is buffers. Where it is compressed, each one is so by itself: i64 its
// unpacked length, then the packed bytes; a length of -1 says that the bytes
// are not packed after all; an empty buffer may be nothing at all.
//
// (Apache Arrow, "Columnar format", format/Message.fbs and Schema.fbs.)
package arrowipc

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Options are what callers believe of a stream.
type Options struct {
	Allocator memory.Allocator
	// MaxRows bounds a batch, whose rows cost its sender nothing where there is
	// no column.
	MaxRows int64
	// MaxUnpacked bounds the bytes that all compressed buffers of the stream
	// unpack to, for a caller that keeps the batches. 0 is no bound; a single
	// batch always has one.
	MaxUnpacked int64
	// OpenEnd takes the end of the input after a whole message for the end of
	// the stream. Without it the stream must declare its end: a connection that
	// broke is none.
	OpenEnd bool
}

// Reader reads the batches of one stream. Its errors name the message, counted
// from 0, but not the sender: the caller knows who that is.
type Reader struct {
	messages messages
	arrow    *ipc.Reader // nil until the schema is read
	err      error       // what ended the reading
}

// NewReader reads nothing yet.
func NewReader(r io.Reader, options Options) *Reader {
	return &Reader{messages: messages{r: r, Options: options}}
}

// Next gives a batch that the caller releases, or io.EOF after the last. What
// is in the columns is not checked: their lengths and offsets may lie, so that
// reading a value may panic. (array.ValidateFull checks them.)
func (r *Reader) Next() (batch arrow.RecordBatch, err error) {
	if r.err != nil {
		return nil, r.err
	}
	defer func() { // Arrow recovers most of what malformed data causes, not all
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		switch {
		case err == nil:
			return
		case r.messages.err != nil: // says more than what Arrow makes of it
			err = r.messages.err
		default:
			err = fmt.Errorf("message %d: %w", r.messages.count-1, err)
		}
		batch, r.err = nil, err
	}()
	if r.arrow == nil {
		if r.arrow, err = ipc.NewReaderFromMessageReader(&r.messages, ipc.WithAllocator(r.messages.Allocator)); err != nil {
			return nil, err
		}
	}
	if batch, err = r.arrow.Read(); err == nil {
		batch.Retain()
	}
	return batch, err
}

// Release gives back what the reader holds. Batches stay valid.
func (r *Reader) Release() {
	if r.arrow != nil {
		r.arrow.Release()
		r.arrow = nil
	}
}
