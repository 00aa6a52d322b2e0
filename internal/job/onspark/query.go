package onspark

import (
	"context"

	"github.com/firesteel/firesteel/spark"
)

// session is the part of a Spark session that a job uses. Tests record the
// queries instead of running them.
type session interface {
	sql(ctx context.Context, statement string) (query, error)
	table(name string) query
	parquet(path string) query
	parallelism(ctx context.Context) (int, error)
}

// query is a DataFrame. Expressions are Spark SQL.
type query interface {
	project(columns ...column) query
	with(name, expr string) query
	where(condition string) query
	drop(names ...string) query
	limit(n int64) query
	orderBy(keys ...order) query
	repartition(n int, by string) query
	group(by []column, aggregates ...column) query
	union(other query) query
	join(other query, how, key string) query

	count(ctx context.Context) (int64, error)
	rows(ctx context.Context) ([]row, error)
	names(ctx context.Context) ([]string, error)
	createView(ctx context.Context, name string) error
	appendParquet(ctx context.Context, path string) error
}

// column is an expression with its name. Without a name it is a column, or "*".
type column struct{ expr, name string }

// order is a column to sort by.
type order struct {
	name string
	desc bool
}

// row is a row of a result; spark.Row is one.
type row interface{ Value(name string) (any, bool) }

// integer returns a BIGINT of a row, and 0 for NULL.
func integer(r row, name string) int64 {
	v, _ := r.Value(name)
	n, _ := v.(int64)
	return n
}

// text returns a STRING of a row, and "" for NULL.
func text(r row, name string) string {
	v, _ := r.Value(name)
	s, _ := v.(string)
	return s
}

type sparkSession struct{ *spark.Session }

func (s sparkSession) sql(ctx context.Context, statement string) (query, error) {
	df, err := s.SQL(ctx, statement)
	return frame{df}, err
}
func (s sparkSession) table(name string) query   { return frame{s.Table(name)} }
func (s sparkSession) parquet(path string) query { return frame{s.Read().Parquet(path)} }
func (s sparkSession) parallelism(ctx context.Context) (int, error) {
	return Parallelism(ctx, s.Session)
}

// frame is a query on Spark.
type frame struct{ df *spark.DataFrame }

func (c column) spark() spark.Column {
	if c.name == "" {
		return spark.Col(c.expr)
	}
	return spark.Expr(c.expr).Alias(c.name)
}

func sparkColumns(columns []column) []spark.Column {
	all := make([]spark.Column, len(columns))
	for i, c := range columns {
		all[i] = c.spark()
	}
	return all
}

func (f frame) project(columns ...column) query { return frame{f.df.Select(sparkColumns(columns)...)} }
func (f frame) with(name, expr string) query    { return frame{f.df.WithColumn(name, spark.Expr(expr))} }
func (f frame) where(condition string) query    { return frame{f.df.Where(spark.Expr(condition))} }
func (f frame) drop(names ...string) query      { return frame{f.df.Drop(names...)} }
func (f frame) limit(n int64) query             { return frame{f.df.Limit(int(min(n, 1<<30)))} }
func (f frame) repartition(n int, by string) query {
	return frame{f.df.Repartition(n, spark.Col(by))}
}
func (f frame) union(other query) query { return frame{f.df.Union(other.(frame).df)} }
func (f frame) join(other query, how, key string) query {
	return frame{f.df.JoinUsing(other.(frame).df, how, key)}
}

func (f frame) orderBy(keys ...order) query {
	columns := make([]spark.Column, len(keys))
	for i, k := range keys {
		if columns[i] = spark.Col(k.name); k.desc {
			columns[i] = columns[i].Desc()
		}
	}
	return frame{f.df.OrderBy(columns...)}
}

func (f frame) group(by []column, aggregates ...column) query {
	return frame{f.df.GroupBy(sparkColumns(by)...).Agg(sparkColumns(aggregates)...)}
}

func (f frame) count(ctx context.Context) (int64, error) { return f.df.Count(ctx) }

func (f frame) rows(ctx context.Context) ([]row, error) {
	collected, err := f.df.Collect(ctx)
	rows := make([]row, len(collected))
	for i, r := range collected {
		rows[i] = r
	}
	return rows, err
}

func (f frame) names(ctx context.Context) ([]string, error) {
	schema, err := f.df.Schema(ctx)
	names := make([]string, len(schema.Fields))
	for i, field := range schema.Fields {
		names[i] = field.Name
	}
	return names, err
}

func (f frame) createView(ctx context.Context, name string) error {
	return f.df.CreateOrReplaceTempView(ctx, name)
}

func (f frame) appendParquet(ctx context.Context, path string) error {
	return f.df.Write().Mode("append").Parquet(ctx, path)
}
