package parquet

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/pierrec/lz4/v4"

	"github.com/apache/arrow-go/v18/parquet/compress"
)

// The library's codecs, with what they lack: the LZ4 of Hadoop, and pages of
// version 2 that have no value and so nothing that is compressed.
func init() {
	compress.RegisterCodec(compress.Codecs.Lz4, hadoopLZ4{})
	for _, c := range []compress.Compression{compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Zstd, compress.Codecs.Lz4Raw} {
		if codec, err := compress.GetCodec(c); err == nil {
			compress.RegisterCodec(c, emptyCodec(codec))
		}
	}
}

type streamingCodec interface {
	compress.Codec
	compress.StreamingCodec
}

// emptyCodec unpacks nothing to nothing.
func emptyCodec(c compress.Codec) compress.Codec {
	if c, ok := c.(streamingCodec); ok {
		return emptyStreaming{c}
	}
	return emptyBlock{c}
}

type emptyBlock struct{ compress.Codec }

func (c emptyBlock) DecodeWithError(dst, src []byte) ([]byte, error) {
	if len(src) == 0 {
		return dst[:0], nil
	}
	return compress.Decode(c.Codec, dst, src)
}

type emptyStreaming struct{ streamingCodec }

func (c emptyStreaming) DecodeWithError(dst, src []byte) ([]byte, error) {
	return emptyBlock{c.streamingCodec}.DecodeWithError(dst, src)
}

// hadoopLZ4 is the codec LZ4 of Parquet, which is deprecated because it means
// two things: blocks of LZ4, each after the sizes of what it unpacks to and of
// itself (4 bytes each, the high one first), as Hadoop writes them; or one
// block, or frames, of LZ4.
type hadoopLZ4 struct{}

var errLZ4 = errors.New("it is not compressed by LZ4 in a form that is known")

func (hadoopLZ4) DecodeWithError(dst, src []byte) ([]byte, error) {
	if len(src) == 0 {
		return dst[:0], nil
	}
	if out, err := hadoopBlocks(dst, src); err == nil {
		return out, nil
	}
	if len(src) >= 4 && binary.LittleEndian.Uint32(src) == 0x184d2204 {
		n, err := io.ReadFull(lz4.NewReader(strings.NewReader(string(src))), dst)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return nil, errLZ4
		}
		return dst[:n], nil
	}
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil {
		return nil, errLZ4
	}
	return dst[:n], nil
}

func hadoopBlocks(dst, src []byte) ([]byte, error) {
	n := 0
	for len(src) > 0 {
		if len(src) < 8 {
			return nil, errLZ4
		}
		unpacked, packed := binary.BigEndian.Uint32(src), binary.BigEndian.Uint32(src[4:])
		src = src[8:]
		if uint64(packed) > uint64(len(src)) || uint64(unpacked) > uint64(len(dst)-n) {
			return nil, errLZ4
		}
		got, err := lz4.UncompressBlock(src[:packed], dst[n:n+int(unpacked)])
		if err != nil || got != int(unpacked) {
			return nil, errLZ4
		}
		n += got
		src = src[packed:]
	}
	return dst[:n], nil
}

func (c hadoopLZ4) Decode(dst, src []byte) []byte {
	out, err := c.DecodeWithError(dst, src)
	if err != nil {
		panic(err) // as the interface wants it
	}
	return out
}

// Nothing is written in it.
func (hadoopLZ4) Encode(dst, src []byte) []byte             { panic("parquet: LZ4 is read only") }
func (hadoopLZ4) EncodeLevel(dst, src []byte, _ int) []byte { panic("parquet: LZ4 is read only") }
func (hadoopLZ4) CompressBound(n int64) int64               { return n }

// tooLarge tells whether the library refused a page for its size, for which it
// has no error of its own.
func tooLarge(err error) bool { return strings.Contains(err.Error(), "exceeds configured limit") }
