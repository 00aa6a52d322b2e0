// Package spark is a client of Apache Spark through Spark Connect, for Spark
// 3.5 and later.
//
//	session, err := spark.Connect(ctx, "sc://localhost:15002")
//	defer session.Close()
//	df := session.Table("reviews").
//		Where(spark.Col("stars").Lt(3)).
//		Select(spark.Col("id"), spark.Col("sentence"))
//	err = df.Show(ctx, 20, false)
//
// The methods that build a DataFrame send nothing and return no error. The first
// action (Collect, Show, Write().Save, ...) returns an error of the methods
// before it. An action takes a context; cancelling the context cancels the query
// on the server.
//
// An error from the server has the type *Error, with Spark's error class,
// SQLSTATE and message.
package spark
