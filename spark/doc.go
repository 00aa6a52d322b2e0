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
// Building a DataFrame talks to nobody and cannot fail: what is wrong with it
// is said by its first action. Actions (Collect, Show, Write().Save, ...) take
// a context; when that is cancelled, so is the query on the server.
//
// Errors of the server are of type *Error and carry Spark's error class,
// SQLSTATE and message.
package spark
