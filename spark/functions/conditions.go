package functions

import "github.com/firesteel/firesteel/spark"

// Functions of any values.

// Coalesce is the first value that is not NULL.
func Coalesce(columns ...any) spark.Column {
	return spark.Call("coalesce", columns...)
}

// IfNull is c, or otherwise if c is NULL.
func IfNull(c spark.Column, otherwise any) spark.Column {
	return spark.Call("ifnull", c, otherwise)
}

// NullIf is NULL if c is equal to the value, else c.
func NullIf(c spark.Column, value any) spark.Column {
	return spark.Call("nullif", c, value)
}

// NVL2 is is if c is not NULL, otherwise if it is.
func NVL2(c spark.Column, is any, otherwise any) spark.Column {
	return spark.Call("nvl2", c, is, otherwise)
}

// NaNVL is c, or otherwise if c is NaN.
func NaNVL(c spark.Column, otherwise spark.Column) spark.Column {
	return spark.Call("nanvl", c, otherwise)
}

// IsNaN reports whether a number is NaN.
func IsNaN(c spark.Column) spark.Column {
	return spark.Call("isnan", c)
}

// IsNull reports whether c is NULL.
func IsNull(c spark.Column) spark.Column {
	return spark.Call("isnull", c)
}

// IsNotNull reports whether c is not NULL.
func IsNotNull(c spark.Column) spark.Column {
	return spark.Call("isnotnull", c)
}

// If is then if c is true, otherwise if not.
func If(c spark.Column, then any, otherwise any) spark.Column {
	return spark.Call("if", c, then, otherwise)
}

// MonotonicallyIncreasingID is a number for each row, unique and increasing, but with gaps.
func MonotonicallyIncreasingID() spark.Column {
	return spark.Call("monotonically_increasing_id")
}

// SparkPartitionID is the number of the partition of the row.
func SparkPartitionID() spark.Column {
	return spark.Call("spark_partition_id")
}

// InputFileName is the file of the row, or an empty text.
func InputFileName() spark.Column {
	return spark.Call("input_file_name")
}

// UUID is a random UUID for each row.
func UUID() spark.Column {
	return spark.Call("uuid")
}

// TypeOf is the type of c as DDL.
func TypeOf(c spark.Column) spark.Column {
	return spark.Call("typeof", c)
}

// RaiseError is no value: the query fails with c as the error.
func RaiseError(c spark.Column) spark.Column {
	return spark.Call("raise_error", c)
}

// AssertTrue is NULL if c is true; otherwise the query fails with the message.
func AssertTrue(c spark.Column, message any) spark.Column {
	return spark.Call("assert_true", c, message)
}

// CurrentUser is the name of the user.
func CurrentUser() spark.Column {
	return spark.Call("current_user")
}

// Version is the version of Spark.
func Version() spark.Column {
	return spark.Call("version")
}
