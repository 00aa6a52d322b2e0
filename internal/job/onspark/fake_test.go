package onspark

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/job"
)

var schema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String}}, nil)

func bind(t *testing.T, s job.Spec) *job.Plan {
	t.Helper()
	p, err := s.Bind(schema)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// recorder is a session that records the queries of a job as text, and answers
// those whose rows the job reads.
type recorder struct {
	t       *testing.T
	queries []string
	answer  func(query string) ([]row, error)
	failed  func(query string) error // nil fails none
	columns func(path string) ([]string, error)
	cores   int
}

// note records a query that Spark would run.
func (r *recorder) note(kind, query string) error {
	if kind != "" {
		query = kind + "\n" + query
	}
	r.queries = append(r.queries, query)
	if r.failed != nil {
		return r.failed(query)
	}
	return nil
}

func (r *recorder) sql(_ context.Context, statement string) (query, error) {
	statement = strings.Join(strings.Fields(statement), " ")
	if strings.HasPrefix(statement, "SELECT") { // it runs when it is read
		return pipe{r, statement}, nil
	}
	return pipe{r, statement}, r.note("", statement)
}
func (r *recorder) table(name string) query   { return pipe{r, "FROM " + name} }
func (r *recorder) parquet(path string) query { return pipe{r, "FROM parquet.`" + path + "`"} }
func (r *recorder) parallelism(context.Context) (int, error) {
	return r.cores, r.note("", "PARALLELISM")
}

// pipe is a query as text, in the pipe syntax of SQL.
type pipe struct {
	of   *recorder
	text string
}

func (p pipe) then(format string, args ...any) query {
	return pipe{p.of, p.text + "\n|> " + fmt.Sprintf(format, args...)}
}

func named(columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		if all[i] = c.expr; c.name != "" {
			all[i] += " AS " + c.name
		}
	}
	return strings.Join(all, ", ")
}

func nested(q query) string { return "(" + strings.ReplaceAll(q.(pipe).text, "\n", "\n   ") + ")" }

func (p pipe) project(columns ...column) query    { return p.then("SELECT %s", named(columns)) }
func (p pipe) with(name, expr string) query       { return p.then("EXTEND %s AS %s", expr, name) }
func (p pipe) where(condition string) query       { return p.then("WHERE %s", condition) }
func (p pipe) drop(names ...string) query         { return p.then("DROP %s", strings.Join(names, ", ")) }
func (p pipe) limit(n int64) query                { return p.then("LIMIT %d", n) }
func (p pipe) repartition(n int, by string) query { return p.then("REPARTITION(%d, %s)", n, by) }
func (p pipe) union(other query) query            { return p.then("UNION ALL %s", nested(other)) }
func (p pipe) join(other query, how, key string) query {
	return p.then("%s JOIN %s USING (%s)", strings.ToUpper(how), nested(other), key)
}
func (p pipe) orderBy(keys ...order) query {
	all := make([]string, len(keys))
	for i, k := range keys {
		if all[i] = k.name; k.desc {
			all[i] += " DESC"
		}
	}
	return p.then("ORDER BY %s", strings.Join(all, ", "))
}
func (p pipe) group(by []column, aggregates ...column) query {
	if by == nil {
		return p.then("AGGREGATE %s", named(aggregates))
	}
	return p.then("AGGREGATE %s GROUP BY %s", named(aggregates), named(by))
}

func (p pipe) count(ctx context.Context) (int64, error) {
	rows, err := p.group(nil, column{"count(1)", "count"}).rows(ctx)
	if err != nil {
		return 0, err
	}
	return integer(rows[0], "count"), nil
}

func (p pipe) rows(context.Context) ([]row, error) {
	if err := p.of.note("", p.text); err != nil {
		return nil, err
	}
	return p.of.answer(p.text)
}

func (p pipe) names(context.Context) ([]string, error) {
	return p.of.columns(p.text)
}

func (p pipe) createView(_ context.Context, name string) error {
	return p.of.note("CREATE VIEW "+name+" AS", p.text)
}

func (p pipe) appendParquet(_ context.Context, path string) error {
	return p.of.note("APPEND TO parquet.`"+path+"`", p.text)
}

// values is a row of a result.
type values map[string]any

func (v values) Value(name string) (any, bool) { x, ok := v[name]; return x, ok }

// cluster answers a recorder's queries for a job with one call. Its inputs are
// spread evenly over all keys.
type cluster struct {
	inputs, rows int64
	known        int64 // inputs with the lowest keys whose answers the ledger has
	failing      int64 // of the inputs asked, the first ones that fail
	tokens       int64 // of each input
	each         time.Duration

	asked  int64
	sizes  []int64 // of the waves
	states []values
	reason []values
}

var keyRange = regexp.MustCompile(`WHERE (true|key >= '([0-9a-f]{8})')(?: AND key < '([0-9a-f]{8})')?\n`)

// wave returns the number of unknown inputs in the range of a wave's keys.
func (c *cluster) wave(query string) int64 {
	found := keyRange.FindStringSubmatch(query)
	if found == nil {
		return -1
	}
	position := func(text string, otherwise int64) int64 {
		if text == "" {
			return otherwise
		}
		v, _ := strconv.ParseUint(text, 16, 32)
		return int64((v*uint64(c.inputs) + 1<<32 - 1) >> 32)
	}
	return max(position(found[3], c.inputs), c.known) - max(position(found[2], 0), c.known)
}

func (c *cluster) answer(query string) ([]row, error) {
	lines := strings.Split(query, "\n")
	switch last := lines[len(lines)-1]; {
	case strings.Contains(last, " AS inputs, "):
		return []row{values{"inputs": c.inputs, "calls": c.rows}}, nil
	case strings.Contains(last, "max("):
		return []row{values{"last": c.rows - 1}}, nil
	case strings.Contains(last, " AS tokens_in, "):
		n := c.sizes[len(c.sizes)-1]
		failed := min(n, max(0, c.failing-c.asked))
		c.asked += n
		return []row{values{"rows": n, "failed": failed, "tokens_in": n * (c.tokens - 1), "tokens_out": n}}, nil
	case last == "|> AGGREGATE count(1) AS count":
		return []row{values{"count": c.inputs - c.known}}, nil
	case strings.HasSuffix(last, "GROUP BY "+stateColumn+" AS state"):
		return rowsOf(c.states), nil
	case strings.HasPrefix(last, "|> LIMIT"):
		return rowsOf(c.reason), nil
	}
	return nil, fmt.Errorf("the cluster has no answer to\n%s", query)
}

func rowsOf(all []values) (rows []row) {
	for _, v := range all {
		rows = append(rows, v)
	}
	return rows
}

// run runs a job on the cluster and returns the queries, too.
func (c *cluster) run(t *testing.T, s job.Spec, change func(*run, *recorder)) (job.Summary, []string, error) {
	t.Helper()
	if c.states == nil {
		c.states = []values{{"state": "ok", "count": c.rows}}
	}
	rec := &recorder{t: t, answer: c.answer, cores: 2}
	rec.failed = func(query string) error {
		if n := c.wave(query); n >= 0 && strings.Contains(query, "AS answer") {
			c.sizes = append(c.sizes, n)
			time.Sleep(time.Duration(n) * c.each)
		}
		return nil
	}
	r := newRun(bind(t, s), rec, small)
	r.id = "id"
	if change != nil {
		change(r, rec)
	}
	summary, err := r.run(t.Context(), rec.table("input"), func(_ context.Context, q query) error {
		return rec.note("WRITE", q.(pipe).text)
	})
	return summary, rec.queries, err
}
