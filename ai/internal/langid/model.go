package langid

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// packed is the model of py3langid 0.4.0 (BSD 3-Clause, LICENSE.py3langid), which
// make.py converted. The uncompressed file is, with integers in little endian:
//
//   - "LID1", the number of classes and the number of n-grams, in 32 bits
//   - for each class its code in 4 bytes, padded with zeros, and two signed integers of
//     32 bits: the score of an n-gram that is not listed for the class, and the prior
//   - six blocks, each with its length in 32 bits. The n-grams are sorted bytes: the
//     block of the lengths that each shares with the n-gram before it, that of the
//     lengths of the rest, and the rests. Then the number of classes that each n-gram
//     lists, the classes as differences, and their levels.
//
// Scores are logarithms of probabilities, of 1/128 nat. A level is 0.5 nat above the
// score of an n-gram that is not listed.
//
//go:embed model.bin.zz
var packed []byte

const (
	maxNgram  = 6
	unitLevel = 64 // units of a level
	units     = 128
)

// model is a naive Bayes classifier over n-grams of bytes.
type model struct {
	codes []string
	code  []int // of each class; two classes may have one
	base  []int64
	prior []int64
	// prevalence multiplies the likelihood of each class; see common.
	prevalence []float64
	ngrams     table
	// feature of each n-gram of the table, or -1. Feature f has the entries
	// first[f] to first[f+1].
	feature []int32
	first   []int32
	class   []uint8
	level   []uint8
}

// table maps n-grams to their numbers by open addressing.
type table struct {
	keys   []uint64
	values []int32
	mask   uint64
}

// shared is the embedded model. It takes about 30 ms and 7 MB.
var shared = sync.OnceValues(func() (*model, error) { return read(packed) })

var errModel = errors.New("langid: the embedded model is damaged")

// read checks and reads a compressed model.
func read(packed []byte) (*model, error) {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errModel, err)
	}
	const most = 64 << 20
	file, err := io.ReadAll(io.LimitReader(z, most))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errModel, err)
	}
	r := reader{rest: file}
	if string(r.take(4)) != "LID1" {
		return nil, fmt.Errorf("%w: its first bytes are not LID1", errModel)
	}
	classes, n := r.number(), r.number()
	if classes == 0 || classes > 256 || n > len(file) {
		return nil, fmt.Errorf("%w: it has %d classes and %d n-grams", errModel, classes, n)
	}
	m := &model{}
	for range classes {
		code := string(bytes.TrimRight(r.take(4), "\x00"))
		i := slices.Index(m.codes, code)
		if i < 0 {
			i, m.codes = len(m.codes), append(m.codes, code)
		}
		m.code = append(m.code, i)
		m.prevalence = append(m.prevalence, 1)
		if slices.Contains(common, code) {
			m.prevalence[len(m.code)-1] = moreCommon
		}
		m.base = append(m.base, int64(int32(r.number())))
		m.prior = append(m.prior, int64(int32(r.number())))
	}
	ngrams, err := readNgrams(r.block(), r.block(), r.block(), n)
	if err != nil {
		return nil, err
	}
	if err := m.readEntries(r.block(), r.block(), r.block(), n); err != nil {
		return nil, err
	}
	if r.short || len(r.rest) > 0 {
		return nil, fmt.Errorf("%w: its length is wrong", errModel)
	}
	m.index(ngrams)
	return m, nil
}

func readNgrams(shared, lengths, rests []byte, n int) ([][]byte, error) {
	if len(shared) != n || len(lengths) != n {
		return nil, fmt.Errorf("%w: it has lengths of %d and %d n-grams, not %d", errModel, len(shared), len(lengths), n)
	}
	ngrams := make([][]byte, n)
	var last []byte
	for i := range ngrams {
		keep, add := int(shared[i]), int(lengths[i])
		if keep > len(last) || add > len(rests) || keep+add == 0 || keep+add > maxNgram {
			return nil, fmt.Errorf("%w: n-gram %d", errModel, i)
		}
		last = append(append(make([]byte, 0, keep+add), last[:keep]...), rests[:add]...)
		ngrams[i], rests = last, rests[add:]
	}
	return ngrams, nil
}

func (m *model) readEntries(counts, gaps, levels []byte, n int) error {
	if len(counts) != n || len(gaps) != len(levels) {
		return fmt.Errorf("%w: its entries have different lengths", errModel)
	}
	m.first, m.class, m.level = make([]int32, n+1), make([]uint8, len(gaps)), levels
	at := 0
	for i, count := range counts {
		class := 0
		for range count {
			if at == len(gaps) {
				return fmt.Errorf("%w: entries are missing", errModel)
			}
			if class += int(gaps[at]); class >= len(m.code) {
				return fmt.Errorf("%w: n-gram %d lists the class %d", errModel, i, class)
			}
			m.class[at] = uint8(class)
			at++
		}
		m.first[i+1] = int32(at)
	}
	if at != len(gaps) {
		return fmt.Errorf("%w: it has %d entries too many", errModel, len(gaps)-at)
	}
	return nil
}

// index builds the table of all n-grams and their prefixes. A prefix that is not an
// n-gram of the model has the feature of its longest suffix.
func (m *model) index(ngrams [][]byte) {
	size := 1024
	for size < 3*len(ngrams) {
		size *= 2
	}
	m.ngrams = table{make([]uint64, size), make([]int32, size), uint64(size - 1)}
	for i, text := range ngrams {
		m.ngrams.put(keyOf(text), int32(i))
		m.feature = append(m.feature, int32(i))
	}
	byLength := make([][][]byte, maxNgram)
	for _, text := range ngrams {
		for n := 1; n < len(text); n++ {
			if key := keyOf(text[:n]); m.ngrams.get(key) < 0 {
				m.ngrams.put(key, int32(len(m.feature)))
				m.feature = append(m.feature, -1)
				byLength[n] = append(byLength[n], text[:n])
			}
		}
	}
	for _, prefixes := range byLength { // suffixes are shorter, and have their features
		for _, text := range prefixes {
			for i := 1; i < len(text); i++ {
				if s := m.ngrams.get(keyOf(text[i:])); s >= 0 {
					m.feature[m.ngrams.get(keyOf(text))] = m.feature[s]
					break
				}
			}
		}
	}
}

// keyOf packs an n-gram of 1 to maxNgram bytes. The last byte is the lowest.
func keyOf(text []byte) uint64 {
	key := uint64(0)
	for _, b := range text {
		key = key<<8 | uint64(b)
	}
	return key | uint64(len(text))<<56
}

func (t *table) at(key uint64) uint64 {
	for i := key * 0x9e3779b97f4a7c15 >> 20; ; i++ {
		if k := t.keys[i&t.mask]; k == key || k == 0 {
			return i & t.mask
		}
	}
}

func (t *table) put(key uint64, value int32) {
	i := t.at(key)
	t.keys[i], t.values[i] = key, value
}

// get returns the number of an n-gram, or -1.
func (t *table) get(key uint64) int32 {
	i := t.at(key)
	if t.keys[i] == 0 {
		return -1
	}
	return t.values[i]
}

// reader reads the uncompressed file. After its end it reads zeros.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.short = true
		return make([]byte, min(n, 4))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) number() int { return int(binary.LittleEndian.Uint32(r.take(4))) }

func (r *reader) block() []byte { return r.take(r.number()) }
