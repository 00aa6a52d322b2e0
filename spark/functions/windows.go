package functions

import "github.com/firesteel/firesteel/spark"

// Functions of windows, used with spark.Column.Over.

// RowNumber is the number of the row in its partition, from 1.
func RowNumber() spark.Column {
	return spark.Call("row_number")
}

// Rank is the rank of the row: equal rows have the same, and the next ones are skipped.
func Rank() spark.Column {
	return spark.Call("rank")
}

// DenseRank is the rank of the row: equal rows have the same, and none is skipped.
func DenseRank() spark.Column {
	return spark.Call("dense_rank")
}

// PercentRank is the rank from 0 to 1.
func PercentRank() spark.Column {
	return spark.Call("percent_rank")
}

// CumeDist is the share of the rows that are not after the row.
func CumeDist() spark.Column {
	return spark.Call("cume_dist")
}

// NTile is the number of the part of the row, of n parts of about the same size.
func NTile(n any) spark.Column {
	return spark.Call("ntile", n)
}

// Lag is the value offset rows before, or otherwise.
func Lag(c spark.Column, offset any, otherwise any) spark.Column {
	return spark.Call("lag", c, offset, otherwise)
}

// Lead is the value offset rows after, or otherwise.
func Lead(c spark.Column, offset any, otherwise any) spark.Column {
	return spark.Call("lead", c, offset, otherwise)
}

// NthValue is the value of row n of the frame, from 1.
func NthValue(c spark.Column, n any) spark.Column {
	return spark.Call("nth_value", c, n)
}
