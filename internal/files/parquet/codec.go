package parquet

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/pierrec/lz4/v4"

	"github.com/apache/arrow-go/v18/parquet/compress"
)

// init extends the library's codecs. It registers Hadoop's LZ4, and makes every
// codec accept an empty input: a version 2 data page without values has no
// compressed bytes.
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

// emptyCodec wraps a codec so that it decodes an empty input to an empty output.
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

// hadoopLZ4 is Parquet's deprecated codec LZ4. Files use it for three formats:
// Hadoop's blocks, each preceded by its uncompressed and its compressed size (4
// bytes each, big-endian); a single LZ4 block; or LZ4 frames.
type hadoopLZ4 struct{}

var errLZ4 = errors.New("its LZ4 data is neither Hadoop blocks, nor a single block, nor frames")

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

// hadoopBlocks decodes Hadoop's blocks into dst.
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
		panic(err) // the interface has no error
	}
	return out
}

// The Writer never uses this codec.
func (hadoopLZ4) Encode(dst, src []byte) []byte             { panic("parquet: LZ4 is read only") }
func (hadoopLZ4) EncodeLevel(dst, src []byte, _ int) []byte { panic("parquet: LZ4 is read only") }
func (hadoopLZ4) CompressBound(n int64) int64               { return n }

// tooLarge reports whether the library rejected a page because of its size. The
// library has no error value for this, so the text is compared.
func tooLarge(err error) bool { return strings.Contains(err.Error(), "exceeds configured limit") }
