package spark

import "fmt"

// TopK returns the k rows with the greatest scores, the best first, with the score in the column name, such as
//
//	reviews.TopK(5, "relevance", ai.Rank(spark.Lit("battery life"), spark.Col("text")))
//
// Rows with the same score are ordered by ties, and then by a hash of all columns, so that partitions and the order of rows change
// nothing. Rows without a score come last. The score is computed once for each row.
func (d *DataFrame) TopK(k int, name string, score Column, ties ...Column) *DataFrame {
	var err error
	if k < 1 || name == "" {
		err = fmt.Errorf("top k: %d rows by the column %q; there must be at least one row, and a name", k, name)
	}
	const hash = "firesteel_top_k"
	order := append([]Column{Col("`" + name + "`").Desc()}, ties...)
	scored := d.WithColumn(hash, Call("xxhash64", Col("*"))).WithColumn(name, score)
	top := scored.OrderBy(append(order, Col(hash))...).Limit(k).Drop(hash)
	if err != nil {
		return d.derive(top.relation, err)
	}
	return top
}
