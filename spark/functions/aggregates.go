package functions

import "github.com/firesteel/firesteel/spark"

// Functions of groups of rows.

// Count is the number of rows in which c is not NULL; of spark.Col("*"), the number of rows.
func Count(c spark.Column) spark.Column {
	return spark.Call("count", c)
}

// Sum is the sum.
func Sum(c spark.Column) spark.Column {
	return spark.Call("sum", c)
}

// Avg is the mean.
func Avg(c spark.Column) spark.Column {
	return spark.Call("avg", c)
}

// Min is the smallest value.
func Min(c spark.Column) spark.Column {
	return spark.Call("min", c)
}

// Max is the greatest value.
func Max(c spark.Column) spark.Column {
	return spark.Call("max", c)
}

// MinBy is the value of c in the row with the smallest of.
func MinBy(c spark.Column, of spark.Column) spark.Column {
	return spark.Call("min_by", c, of)
}

// MaxBy is the value of c in the row with the greatest of.
func MaxBy(c spark.Column, of spark.Column) spark.Column {
	return spark.Call("max_by", c, of)
}

// First is the value of the first row; which that is depends on the order of the rows.
func First(c spark.Column) spark.Column {
	return spark.Call("first", c)
}

// Last is the value of the last row; which that is depends on the order of the rows.
func Last(c spark.Column) spark.Column {
	return spark.Call("last", c)
}

// AnyValue is a value of any row.
func AnyValue(c spark.Column) spark.Column {
	return spark.Call("any_value", c)
}

// Mode is the most frequent value.
func Mode(c spark.Column) spark.Column {
	return spark.Call("mode", c)
}

// Median is the median.
func Median(c spark.Column) spark.Column {
	return spark.Call("median", c)
}

// Percentile is the exact percentile of a share from 0 to 1.
func Percentile(c spark.Column, share any) spark.Column {
	return spark.Call("percentile", c, share)
}

// PercentileApprox is an approximate percentile of a share from 0 to 1; a greater accuracy, such as 10000, is more exact.
func PercentileApprox(c spark.Column, share any, accuracy any) spark.Column {
	return spark.Call("percentile_approx", c, share, accuracy)
}

// StdDev is the sample standard deviation.
func StdDev(c spark.Column) spark.Column {
	return spark.Call("stddev", c)
}

// StdDevPop is the standard deviation of a whole population.
func StdDevPop(c spark.Column) spark.Column {
	return spark.Call("stddev_pop", c)
}

// Variance is the sample variance.
func Variance(c spark.Column) spark.Column {
	return spark.Call("variance", c)
}

// VarPop is the variance of a whole population.
func VarPop(c spark.Column) spark.Column {
	return spark.Call("var_pop", c)
}

// Skewness is the skewness.
func Skewness(c spark.Column) spark.Column {
	return spark.Call("skewness", c)
}

// Kurtosis is the kurtosis, 0 for a normal distribution.
func Kurtosis(c spark.Column) spark.Column {
	return spark.Call("kurtosis", c)
}

// Corr is Pearson's correlation.
func Corr(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("corr", c, other)
}

// CovarSamp is the sample covariance.
func CovarSamp(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("covar_samp", c, other)
}

// CovarPop is the covariance of a whole population.
func CovarPop(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("covar_pop", c, other)
}

// CollectList is an ARRAY of the values that are not NULL.
func CollectList(c spark.Column) spark.Column {
	return spark.Call("collect_list", c)
}

// CollectSet is an ARRAY of the distinct values that are not NULL.
func CollectSet(c spark.Column) spark.Column {
	return spark.Call("collect_set", c)
}

// ApproxCountDistinct is about the number of distinct values.
func ApproxCountDistinct(c spark.Column) spark.Column {
	return spark.Call("approx_count_distinct", c)
}

// CountIf is the number of rows in which c is true.
func CountIf(c spark.Column) spark.Column {
	return spark.Call("count_if", c)
}

// BoolAnd reports whether c is true in all rows.
func BoolAnd(c spark.Column) spark.Column {
	return spark.Call("bool_and", c)
}

// BoolOr reports whether c is true in a row.
func BoolOr(c spark.Column) spark.Column {
	return spark.Call("bool_or", c)
}

// Grouping is 1 if c is not grouped by in a row of a subtotal, else 0.
func Grouping(c spark.Column) spark.Column {
	return spark.Call("grouping", c)
}

// Product is the product.
func Product(c spark.Column) spark.Column {
	return spark.Call("product", c)
}
