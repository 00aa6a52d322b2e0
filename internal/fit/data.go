package fit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/fit/linear"
	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

// Row is a labelled row: its vector and its labels or its number.
type Row struct {
	// Number is that of the row in the data, from 1; 0 if the data have no order.
	Number int
	Vector []float32
	Labels []string // one, of PredictsLabels any number, and of PredictsNumber none
	Value  float64
}

// The rows are divided into slices. Every fifth row of a label, in the order of
// digests of the vectors, is held out, and the others go to the training slices in
// turn, so that the division does not depend on the order of the rows. Rows with
// equal vectors are in the same slice.
const (
	trainSlices = 20
	folds       = 5
	heldOut     = trainSlices // the slice of rows that are held out
	heldOutOf   = 5
)

// data are the rows in the order in which they are fitted: by slice, then digest.
type data struct {
	kind   llm.PredictionKind
	labels []string
	rows   []Row
	of     [][]int32 // indexes of the labels of each row; empty for rows with none
	slices [trainSlices + 1]linear.Range
	// none are rows with none of the labels, by slice; they are not fitted.
	none       []Row
	noneSlices [trainSlices + 1]linear.Range
	digest     string
	linear     *linear.Rows
	noneLinear *linear.Rows
}

type digested struct {
	Row
	sum   [sha256.Size]byte // of the vector
	slice int
}

// TooFewError reports data that nothing can be learned from.
type TooFewError struct{ What string }

func (e *TooFewError) Error() string { return e.What }

// minRows is the number of labelled rows below which nothing is fitted.
const minRows = 10

// arrange orders and divides the rows.
func arrange(ctx context.Context, rows []Row, o Options) (*data, error) {
	d := &data{kind: o.Predicts}
	all := make([]digested, 0, len(rows))
	for _, r := range rows {
		slices.Sort(r.Labels)
		all = append(all, digested{Row: r, sum: vectorDigest(r.Vector)})
	}
	slices.SortFunc(all, func(a, b digested) int {
		return cmp.Or(slices.Compare(a.sum[:], b.sum[:]), slices.Compare(a.Labels, b.Labels), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Number, b.Number))
	})
	d.digest = digestOf(all)
	isNone := func(r Row) bool { return o.None != "" && slices.Equal(r.Labels, []string{o.None}) }
	counts := map[string]int{}
	fitted := 0
	for _, r := range all {
		if isNone(r.Row) {
			continue
		}
		fitted++
		for _, l := range r.Labels {
			if counts[l]++; counts[l] == 1 {
				d.labels = append(d.labels, l)
			}
		}
	}
	for l := range o.Names {
		if counts[l] == 0 && l != o.None {
			d.labels = append(d.labels, l)
		}
	}
	slices.Sort(d.labels)
	if err := d.check(fitted, counts); err != nil {
		return nil, err
	}
	divide(all, isNone)
	slices.SortStableFunc(all, func(a, b digested) int { return cmp.Compare(a.slice, b.slice) })
	index := make(map[string]int32, len(d.labels))
	for i, l := range d.labels {
		index[l] = int32(i)
	}
	for i, r := range all {
		if err := ctx.Err(); i%10000 == 0 && err != nil {
			return nil, err
		}
		if isNone(r.Row) {
			d.none = append(d.none, r.Row)
			extend(&d.noneSlices[r.slice], len(d.none))
			continue
		}
		d.rows = append(d.rows, r.Row)
		extend(&d.slices[r.slice], len(d.rows))
		of := make([]int32, 0, len(r.Labels))
		for _, l := range r.Labels {
			of = append(of, index[l])
		}
		d.of = append(d.of, slices.Compact(of))
	}
	var err error
	if d.linear, err = linear.NewRows(vectors(d.rows), o.Threads); err != nil {
		return nil, err
	}
	if len(d.none) > 0 {
		d.noneLinear, err = linear.NewRowsAround(d.linear, vectors(d.none))
	}
	return d, err
}

// extend makes row n-1 the last one of a range.
func extend(r *linear.Range, n int) {
	if r.Last == 0 {
		r.First = n - 1
	}
	r.Last = n
}

func vectors(rows []Row) [][]float32 {
	all := make([][]float32, len(rows))
	for i, r := range rows {
		all[i] = r.Vector
	}
	return all
}

// check returns an error for data that nothing can be learned from.
func (d *data) check(rows int, counts map[string]int) error {
	twice := 0
	for _, n := range counts {
		if n > 1 {
			twice++
		}
	}
	switch {
	case rows < minRows:
		return &TooFewError{fmt.Sprintf("%d rows have a label; at least %d are needed, and some 20 of each label are a good start", rows, minRows)}
	case d.kind == llm.PredictsNumber:
		return nil
	case len(d.labels) > head.MaxLabels:
		return &TooFewError{fmt.Sprintf("%d rows have %d different labels, and at most %d can be fitted; is it the column of the labels? Numbers are fitted as such, if you ask for it", rows, len(d.labels), head.MaxLabels)}
	case d.kind == llm.PredictsLabel && len(d.labels) < 2:
		return &TooFewError{fmt.Sprintf("all %d rows have the same label; rows of at least two labels are needed", rows)}
	case d.kind == llm.PredictsLabels && len(d.labels) < 1:
		return &TooFewError{fmt.Sprintf("none of the %d rows has a label", rows)}
	case d.kind == llm.PredictsLabel && twice < 2:
		return &TooFewError{fmt.Sprintf("%d rows have %d different labels, of which %d have more than one row; at least two are needed", rows, len(d.labels), twice)}
	}
	return nil
}

// divide sets the slices of rows, which are in the order of their digests.
func divide(all []digested, isNone func(Row) bool) {
	seen := map[string]int{}
	next := 0
	for i := range all {
		r := &all[i]
		if i > 0 && r.sum == all[i-1].sum {
			r.slice = all[i-1].slice
			continue
		}
		key := ""
		if len(r.Labels) > 0 {
			key = r.Labels[0]
		}
		if isNone(r.Row) {
			key = "\x00none"
		}
		seen[key]++
		if seen[key]%heldOutOf == 0 {
			r.slice = heldOut
			continue
		}
		r.slice = next % trainSlices
		next++
	}
}

// vectorDigest identifies a vector, and so its text.
func vectorDigest(v []float32) [sha256.Size]byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return sha256.Sum256(b)
}

// digestOf is the SHA-256 of all vectors and labels, which does not depend on the
// order of the rows.
func digestOf(all []digested) string {
	h := sha256.New()
	for _, r := range all {
		h.Write(r.sum[:])
		fmt.Fprintf(h, "%q %g\n", r.Labels, r.Value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// training returns the ranges of the training slices for which of is true.
func (d *data) training(of func(slice int) bool) []linear.Range {
	var all []linear.Range
	for s, r := range d.slices[:trainSlices] {
		if r.Last > r.First && of(s) {
			if n := len(all); n > 0 && all[n-1].Last == r.First {
				all[n-1].Last = r.Last
			} else {
				all = append(all, r)
			}
		}
	}
	return all
}

func foldOf(slice int) int { return slice % folds }

// rowsOf counts the rows of ranges.
func rowsOf(ranges []linear.Range) int {
	n := 0
	for _, r := range ranges {
		n += r.Last - r.First
	}
	return n
}
