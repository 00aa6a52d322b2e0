package spark

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Describe returns count, mean, standard deviation, minimum and maximum of the numeric and string columns, or of
// the named ones, as text: a row for each statistic, in the column "summary".
func (d *DataFrame) Describe(columns ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Describe{Describe: &pb.StatDescribe{Input: d.relation, Cols: columns}}})
}

// Summary is Describe of all columns with these statistics: count, mean, stddev, min, max, count_distinct,
// approx_count_distinct, or a percentile such as 75%. Without names it has count, mean, stddev, min, 25%, 50%, 75%
// and max.
func (d *DataFrame) Summary(statistics ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Summary{Summary: &pb.StatSummary{Input: d.relation, Statistics: statistics}}})
}

// CrossTab counts the pairs of values of two columns: a row for each value of the first, a column for each value of
// the second. The first column has the name "a_b".
func (d *DataFrame) CrossTab(a, b string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Crosstab{Crosstab: &pb.StatCrosstab{Input: d.relation, Col1: a, Col2: b}}})
}

// FreqItems returns values that occur in more than a share of support of the rows, an ARRAY for each column, by
// an algorithm that may also return others. support is at least 0.0001.
func (d *DataFrame) FreqItems(support float64, columns ...string) *DataFrame {
	var err error
	switch {
	case !(support >= 1e-4 && support <= 1):
		err = fmt.Errorf("frequent items: the support is %v; it must be from 0.0001 to 1", support)
	case len(columns) == 0:
		err = errors.New("frequent items: no columns are named")
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_FreqItems{FreqItems: &pb.StatFreqItems{Input: d.relation, Cols: columns, Support: &support}}}, err)
}

// SampleBy keeps each row with the probability that fractions has for its value of column, and no row of other
// values.
func (d *DataFrame) SampleBy(column Column, fractions map[any]float64, seed int64) *DataFrame {
	list, err := expressions("sample by", []Column{column})
	s := &pb.StatSampleBy{Input: d.relation, Seed: &seed}
	if err == nil {
		s.Col = list[0]
	}
	for value, fraction := range fractions {
		l, wrong := literal(value)
		if wrong == nil && !(fraction >= 0 && fraction <= 1) {
			wrong = fmt.Errorf("the fraction is %v; it must be from 0 to 1", fraction)
		}
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("sample by: %w", wrong))
			continue
		}
		s.Fractions = append(s.Fractions, &pb.StatSampleBy_Fraction{Stratum: l, Fraction: fraction})
	}
	slices.SortFunc(s.Fractions, func(a, b *pb.StatSampleBy_Fraction) int {
		return strings.Compare(a.Stratum.String(), b.Stratum.String())
	})
	return d.derive(&pb.Relation{RelType: &pb.Relation_SampleBy{SampleBy: s}}, err)
}

// Cov runs the query and returns the sample covariance of two numeric columns.
func (d *DataFrame) Cov(ctx context.Context, a, b string) (float64, error) {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Cov{Cov: &pb.StatCov{Input: d.relation, Col1: a, Col2: b}}}).number(ctx, "cov")
}

// Corr runs the query and returns Pearson's correlation of two numeric columns.
func (d *DataFrame) Corr(ctx context.Context, a, b string) (float64, error) {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Corr{Corr: &pb.StatCorr{Input: d.relation, Col1: a, Col2: b}}}).number(ctx, "corr")
}

// number returns the value of a result of one row and one column; NULL is NaN.
func (d *DataFrame) number(ctx context.Context, what string) (float64, error) {
	rows, err := d.Collect(ctx)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 || rows[0].Len() != 1 {
		return 0, fmt.Errorf("%s: the server returned %d rows, expected 1", what, len(rows))
	}
	v, err := Get[*float64](rows[0], rows[0].Names()[0])
	if err != nil || v == nil {
		return math.NaN(), err
	}
	return *v, nil
}

// ApproxQuantile runs the query and returns quantiles of numeric columns, [column][probability], with ranks that are
// wrong by at most relativeError (0 is exact, and slow) times the number of rows. NULL and NaN are ignored. A
// column without a number has an empty list.
func (d *DataFrame) ApproxQuantile(ctx context.Context, columns []string, probabilities []float64, relativeError float64) ([][]float64, error) {
	var err error
	for _, p := range probabilities {
		if !(p >= 0 && p <= 1) {
			err = fmt.Errorf("approximate quantile: the probability is %v; it must be from 0 to 1", p)
		}
	}
	switch {
	case len(columns) == 0 || len(probabilities) == 0:
		err = errors.New("approximate quantile: no columns or no probabilities are given")
	case !(relativeError >= 0):
		err = fmt.Errorf("approximate quantile: the relative error is %v; it must be at least 0", relativeError)
	}
	rows, err := d.derive(&pb.Relation{RelType: &pb.Relation_ApproxQuantile{ApproxQuantile: &pb.StatApproxQuantile{
		Input: d.relation, Cols: columns, Probabilities: probabilities, RelativeError: relativeError,
	}}}, err).Collect(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || rows[0].Len() != 1 {
		return nil, fmt.Errorf("approximate quantile: the server returned %d rows, expected 1", len(rows))
	}
	return Get[[][]float64](rows[0], rows[0].Names()[0])
}
