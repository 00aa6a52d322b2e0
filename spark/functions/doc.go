// Package functions has Spark's functions of columns by name, as the module pyspark.sql.functions of Python:
//
//	import F "github.com/firesteel/firesteel/spark/functions"
//
//	df.Select(F.Upper(spark.Col("name")), F.DateTrunc("month", spark.Col("at")))
//
// An argument of the type any is a value as in spark.Lit, or a column: a string is a text and not the name of a column. Functions
// that are not here are called by name: spark.Call("soundex", spark.Col("name")).
package functions
