package spark

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"

	"github.com/firesteel/firesteel/internal/testkit"
)

// connectServer opens a session on a real server with an allocator that reports
// leaks.
func connectServer(t *testing.T, parameters string, options ...Option) *Session {
	t.Helper()
	return connectAt(t, testkit.SharedSpark(t)+strings.TrimPrefix(parameters, "/"), options...)
}

func connectAt(t *testing.T, remote string, options ...Option) *Session {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	s, err := Connect(t.Context(), remote, append([]Option{WithAllocator(mem)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		mem.AssertSize(t, 0)
	})
	return s
}

func collect(t *testing.T, d *DataFrame) []Row {
	t.Helper()
	rows, err := d.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// one returns the values of the only row.
func one(t *testing.T, d *DataFrame) []any {
	t.Helper()
	rows := collect(t, d)
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	return rows[0].values
}

func expect(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestServerValues(t *testing.T) {
	s := connectServer(t, "")
	if err := s.Conf().Set(t.Context(), "spark.sql.session.timeZone", "America/New_York"); err != nil {
		t.Fatal(err)
	}
	d, err := s.SQL(t.Context(), `SELECT true b, 1Y i8, 2S i16, 3 i32, 4L i64, 1.5F f, 2.5D d, -1.50BD dec, 'é' s, X'00FF' bin,
		DATE'2024-02-29' day, TIMESTAMP'2024-02-29 12:00:00 UTC' ts, TIMESTAMP_NTZ'2024-02-29 12:00:00' ntz,
		array(1, NULL) a, map('k', 2L) m, named_struct('x', 1, 'y', array('z')) st, NULL n, array() e, CAST(NULL AS STRING) ns,
		INTERVAL '1 02' DAY TO HOUR iv, INTERVAL '1-2' YEAR TO MONTH ym`)
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	expect(t, one(t, d), []any{
		true, int8(1), int16(2), int32(3), int64(4), float32(1.5), 2.5, Decimal{Unscaled: big.NewInt(-150), Scale: 2}, "é", []byte{0, 255},
		time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), noon, noon,
		[]any{int32(1), nil}, map[any]any{"k": int64(2)},
		Row{[]string{"x", "y"}, []any{int32(1), []any{"z"}}},
		nil, []any{}, nil, 26 * time.Hour, int32(14),
	})
	schema, err := d.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const want = "b BOOLEAN NOT NULL,i8 TINYINT NOT NULL,i16 SMALLINT NOT NULL,i32 INT NOT NULL,i64 BIGINT NOT NULL,f FLOAT NOT NULL,d DOUBLE NOT NULL," +
		"dec DECIMAL(3,2) NOT NULL,s STRING NOT NULL,bin BINARY NOT NULL,day DATE NOT NULL,ts TIMESTAMP NOT NULL,ntz TIMESTAMP_NTZ NOT NULL," +
		"a ARRAY<INT> NOT NULL,m MAP<STRING, BIGINT> NOT NULL,st STRUCT<x: INT NOT NULL, y: ARRAY<STRING> NOT NULL> NOT NULL,n VOID,e ARRAY<VOID> NOT NULL,ns STRING," +
		"iv INTERVAL DAY TO HOUR NOT NULL,ym INTERVAL YEAR TO MONTH NOT NULL"
	if got := schema.DDL(); got != want {
		t.Errorf("schema\n%s\nwant\n%s", got, want)
	}
}

func TestServerSQLArguments(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	d, err := s.SQL(ctx, "SELECT ? AS a, ? AS b, ? AS c, ? AS d", "it's", int64(7), nil, 2.5)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, one(t, d), []any{"it's", int64(7), nil, 2.5})
	d, err = s.SQL(ctx, "SELECT :x + 1 AS a, :labels AS b, :when AS c, :d AS d", Named("x", 41), Named("labels", []string{"p", "q"}),
		Named("when", time.Unix(0, 0)), Named("d", Decimal{Unscaled: big.NewInt(125), Scale: 2}))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, one(t, d), []any{int32(42), []any{"p", "q"}, time.Unix(0, 0).UTC(), Decimal{Unscaled: big.NewInt(125), Scale: 2}})
	if _, err := s.SQL(ctx, "SELECT ? , :x", 1, Named("x", 2)); err == nil || !strings.Contains(err.Error(), "all named or all positional") {
		t.Error(err)
	}
}

// The server receives each literal with its type and value.
func TestServerLiterals(t *testing.T) {
	s := connectServer(t, "")
	a, seven := "a", 7
	for _, c := range []struct{ value, want any }{
		{[]string{"a", "b"}, []any{"a", "b"}},
		{[]*string{&a, nil}, []any{"a", nil}},
		{[]int{1, 2}, []any{int64(1), int64(2)}},
		{[]*int{&seven}, []any{int64(7)}},
		{[]*int{nil, &seven}, []any{nil, int64(7)}},
		{[][]string{{"x"}, nil, {}}, []any{[]any{"x"}, nil, []any{}}},
		{[][]byte{{1}, nil}, []any{[]byte{1}, nil}},
		{[]float32{1.5}, []any{float32(1.5)}},
		{[]int16{3}, []any{int16(3)}},
		{[]time.Time{time.Unix(1, 0)}, []any{time.Unix(1, 0).UTC()}},
		{25*time.Hour + time.Microsecond, 25*time.Hour + time.Microsecond},
		{-time.Second, -time.Second},
		{[]time.Duration{time.Minute}, []any{time.Minute}},
		{(*time.Duration)(nil), nil},
	} {
		expect(t, one(t, s.Range(0, 1, 1, 1).Select(Lit(c.value))), []any{c.want})
	}
}

func TestServerCommandRunsOnce(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	table := "t_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	run := func(q string) *DataFrame {
		t.Helper()
		d, err := s.SQL(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	run("CREATE TABLE " + table + " (n INT) USING parquet")
	defer s.SQL(ctx, "DROP TABLE "+table)
	d := run("INSERT INTO " + table + " VALUES (1), (2)")
	for range 2 { // reading the result does not run the command again
		if len(collect(t, d)) != 0 {
			t.Error("INSERT returns rows")
		}
	}
	if n, err := s.Table(table).Count(ctx); n != 2 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := s.Range(3, 5, 1, 1).Select(Col("id").Cast("int").Alias("n")).Write().InsertInto(ctx, table); err != nil {
		t.Fatal(err)
	}
	expect(t, one(t, s.Table(table).GroupBy().Agg(Sum(Col("n")))), []any{int64(10)})
	if rows := collect(t, run("SHOW TABLES")); len(rows) == 0 {
		t.Error("SHOW TABLES is empty")
	}
}

func TestServerTransformations(t *testing.T) {
	s := connectServer(t, "")
	r := s.Range(0, 10, 1, 3)
	ids := func(d *DataFrame) []int64 {
		t.Helper()
		list := []int64{}
		for _, row := range collect(t, d) {
			id, err := Get[int64](row, "ID") // names are not case-sensitive, as in Spark
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, id)
		}
		return list
	}
	id := Col("id")
	for name, c := range map[string]struct {
		d    *DataFrame
		want []int64
	}{
		"filter":      {r.Filter(id.Gt(3).And(id.Le(int64(5)))), []int64{4, 5}},
		"where or":    {r.Where(id.Lt(1).Or(id.Eq(9))), []int64{0, 9}},
		"in":          {r.Where(id.In(2, 3, nil)), []int64{2, 3}},
		"not in":      {r.Where(id.In(0, 1, 2, 3, 4, 5, 6, 7).Not()), []int64{8, 9}},
		"ne":          {r.Where(id.Mod(5).Ne(0).Not()), []int64{0, 5}},
		"between":     {r.Where(id.Between(7, 8)), []int64{7, 8}},
		"limit":       {r.OrderBy(id.Desc()).Limit(2), []int64{9, 8}},
		"offset":      {r.OrderBy(id).Offset(8), []int64{8, 9}},
		"union":       {r.Limit(1).Union(r.Limit(1)), []int64{0, 0}},
		"distinct":    {r.Select(id.Minus(id).Alias("id")).Distinct(), []int64{0}},
		"like":        {r.Where(id.Cast(StringType).Like("%7%")), []int64{7}},
		"rlike":       {r.Where(id.Cast("string").RLike("^[12]$")), []int64{1, 2}},
		"arithmetic":  {r.Limit(2).Select(id.Plus(1).Times(3).Negate().Cast("bigint").Alias("id")), []int64{-3, -6}},
		"null":        {r.Where(Expr("nullif(id, 4)").IsNull()), []int64{4}},
		"not null":    {r.Where(Expr("nullif(id, 4)").IsNotNull()).Limit(1), []int64{0}},
		"null-safe":   {r.Where(Expr("nullif(id, 4)").EqNullSafe(nil)), []int64{4}},
		"join":        {r.Alias("a").Join(s.Range(8, 12, 1, 1).Alias("b"), Col("a.id").Eq(Col("b.id")), "inner").Select(Col("a.id")).OrderBy(Col("id")), []int64{8, 9}},
		"using":       {r.JoinUsing(s.Range(8, 12, 1, 1), "full_outer", "id").OrderBy(id.Desc()).Limit(1), []int64{11}},
		"anti":        {r.JoinUsing(s.Range(1, 12, 1, 1), "anti", "id"), []int64{0}},
		"repartition": {r.Repartition(1), []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"by default":  {r.Repartition(0, id).OrderBy(id).Limit(1), []int64{0}},
		"by column":   {r.Repartition(2, id).OrderBy(id), []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"drop":        {r.WithColumn("x", Lit("y")).Drop("x", "none").Limit(1), []int64{0}},
		"to df":       {r.Limit(1).ToDF("ID"), []int64{0}},
		"by name":     {r.Limit(1).WithColumn("x", Lit(1)).UnionByName(r.Limit(1).Select(Lit(2).Alias("x"), id)), []int64{0, 0}},
		"field":       {r.Limit(1).Select(Expr("named_struct('a', 5L)").GetItem("a").Alias("id")), []int64{5}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, ids(c.d), c.want) })
	}
	// The DataFrame distinguishes columns of the same name.
	left, right := s.Range(0, 3, 1, 1), s.Range(2, 5, 1, 1)
	joined := left.Join(right, left.Col("id").Eq(right.Col("id")), "inner").Select(left.Col("id").Alias("l"), right.Col("id").Alias("r"))
	expect(t, one(t, joined), []any{int64(2), int64(2)})
	groups := r.GroupBy(id.Mod(2).Alias("odd")).Agg(Count(Col("*")).Alias("n"), Sum(id), Avg(id), Min(id), Max(id), CountDistinct(id.Mod(4))).OrderBy(Col("odd"))
	rows := collect(t, groups)
	expect(t, rows[0].values, []any{int64(0), int64(5), int64(20), 4.0, int64(0), int64(8), int64(2)})
	expect(t, rows[1].values, []any{int64(1), int64(5), int64(25), 5.0, int64(1), int64(9), int64(2)})
	if first, ok, err := r.OrderBy(id.Asc()).First(t.Context()); err != nil || !ok || first.At(0) != int64(0) {
		t.Error(first, ok, err)
	}
	if _, ok, err := r.Where(Lit(false)).First(t.Context()); ok || err != nil {
		t.Error(ok, err)
	}
}

func TestServerShow(t *testing.T) {
	s := connectServer(t, "")
	cases, err := os.ReadFile("testdata/show/cases.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range strings.Split(string(cases), "-- ")[1:] {
		head, statement, _ := strings.Cut(c, "\n")
		f := strings.Fields(head)
		t.Run(f[0], func(t *testing.T) {
			n, _ := strconv.Atoi(f[1])
			truncate, _ := strconv.Atoi(f[2])
			want, err := os.ReadFile("testdata/show/" + f[0] + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			d, err := s.SQL(t.Context(), statement)
			if err != nil {
				t.Fatal(err)
			}
			text, err := d.ShowString(t.Context(), n, truncate, f[3] == "true")
			if err != nil {
				t.Fatal(err)
			}
			if !s.atLeast(4, 0) && bytes.HasSuffix(want, []byte("rows\n")) {
				want = append(want, '\n') // Spark 3.5 writes a second line break
			}
			if text+"\n" != string(want) {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
			if f[3] == "false" && (truncate == 0 || truncate == 20) {
				var b bytes.Buffer
				if err := d.ShowTo(t.Context(), &b, n, truncate == 20); err != nil || b.String() != string(want) {
					t.Errorf("ShowTo gives\n%s\n%v", b.String(), err)
				}
			}
		})
	}
}

func TestServerDescribe(t *testing.T) {
	s := connectServer(t, "")
	d := s.Range(0, 3, 1, 1).WithColumn("name", Lit("x"))
	var b bytes.Buffer
	if err := d.PrintSchema(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if want := "root\n |-- id: long (nullable = false)\n |-- name: string (nullable = false)\n\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
	for mode, want := range map[string]string{"simple": "Physical Plan", "extended": "Optimized Logical Plan", "formatted": "Range", "cost": "Statistics", "codegen": "WholeStageCodegen"} {
		if text, err := d.Explain(t.Context(), mode); err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v\n%s", mode, err, text)
		}
	}
	if _, err := d.Explain(t.Context(), "vague"); err == nil {
		t.Error("no error for an unknown mode")
	}
}

func TestServerErrors(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	_, err := s.SQL(ctx, "SELECT * FROM nowhere")
	var e *Error
	if !errors.As(err, &e) || e.Class != "TABLE_OR_VIEW_NOT_FOUND" || !strings.HasPrefix(e.Message, "The table or view `nowhere` cannot be found") || strings.Contains(e.Message, "UnresolvedRelation") {
		t.Errorf("%v", err)
	}
	if e.SQLState != "42P01" && s.atLeast(4, 0) {
		t.Errorf("SQLSTATE %q", e.SQLState)
	}
	_, err = s.SQL(ctx, "SELEC 1")
	if !errors.As(err, &e) || e.Class != "PARSE_SYNTAX_ERROR" {
		t.Errorf("%v", err)
	}
	_, err = s.Table("range").Select(Column{}).Collect(ctx)
	if err == nil || !strings.Contains(err.Error(), "empty spark.Column") {
		t.Error(err)
	}
	_, err = s.Range(0, 5, 1, 1).Select(Call("raise_error", Call("concat", "boom ", Col("id")))).Collect(ctx)
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "boom 0") || strings.Contains(err.Error(), "\tat ") {
		t.Errorf("%v", err)
	}
}

func TestServerConf(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	const key = "spark.sql.autoBroadcastJoinThreshold" // which the shared server does not set
	before, ok, err := s.Conf().Get(ctx, key)
	if err != nil || !ok {
		t.Fatal(err, ok)
	}
	if err := s.Conf().Set(ctx, key, "7"); err != nil {
		t.Fatal(err)
	}
	if v, _, err := s.Conf().Get(ctx, key); v != "7" || err != nil {
		t.Error(v, err)
	}
	if all, err := s.Conf().All(ctx); all[key] != "7" || err != nil {
		t.Error(all, err)
	}
	if err := s.Conf().Unset(ctx, key); err != nil {
		t.Fatal(err)
	}
	if v, _, _ := s.Conf().Get(ctx, key); v != before {
		t.Errorf("%q after Unset, %q before", v, before)
	}
	if _, ok, err := s.Conf().Get(ctx, "firesteel.not.set"); ok || err != nil {
		t.Error(ok, err)
	}
}

func TestServerCancel(t *testing.T) {
	var mu sync.Mutex
	var progress []Progress
	s := connectServer(t, "", WithProgress(func(p Progress) { mu.Lock(); defer mu.Unlock(); progress = append(progress, p) }))
	slow := s.Range(0, 4, 1, 2).Select(Expr("java_method('java.lang.Thread', 'sleep', 60000L + id)"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := slow.Collect(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	// No operation runs on the server.
	if ids, err := s.Interrupt(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("still running: %v, %v", ids, err)
	}
	// Leaving the loop stops the query.
	first := s.Range(0, 4, 1, 4).Select(Expr("CASE WHEN id = 0 THEN '' ELSE java_method('java.lang.Thread', 'sleep', 60000L + id) END"))
	for b, err := range first.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if b.NumRows() > 0 {
			break
		}
	}
	if ids, err := s.Interrupt(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("still running: %v, %v", ids, err)
	}
	// Another call stops the query by its tag.
	if err := s.AddTag("slow"); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { _, err := slow.Collect(t.Context()); failed <- err }()
	for {
		ids, err := s.InterruptTag(t.Context(), "slow")
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted by tag: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if s.atLeast(4, 0) && len(progress) == 0 {
		t.Error("no progress was reported in three seconds")
	}
}

func TestServerCloseStopsQueries(t *testing.T) {
	s := connectServer(t, "")
	d := s.Range(0, 4, 1, 4).Select(Expr("CASE WHEN id = 0 THEN '' ELSE java_method('java.lang.Thread', 'sleep', 60000L + id) END"))
	closed := make(chan error, 1)
	var last error
	for b, err := range d.Batches(t.Context()) {
		if last = err; err == nil && b.NumRows() > 0 {
			go func() { closed <- s.Close() }()
		}
	}
	if !errors.Is(last, ErrClosed) {
		t.Errorf("%v", last)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestServerSessionChange(t *testing.T) {
	id := uuid.NewString()
	s := connectServer(t, "/;session_id="+id)
	if !s.atLeast(4, 0) {
		t.Skip("Spark 3.5 has no way to tell that a session is another one")
	}
	other := connectServer(t, "/;session_id="+id)
	other.joined = false // Close releases the session on the server
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Range(0, 1, 1, 1).Collect(t.Context()); !errors.Is(err, ErrSessionLost) {
		t.Errorf("%v", err)
	}
	if _, _, err := s.Conf().Get(t.Context(), "spark.app.name"); !errors.Is(err, ErrSessionLost) {
		t.Errorf("%v", err)
	}
}

func TestServerRegisterFunction(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	for _, returns := range []DataType{DDL("ARRAY<STRING>"), ArrayType{StringType, true}} {
		err := s.RegisterFunction(ctx, FunctionSpec{
			Name: "ours", Deterministic: true, ReturnType: returns, EvalType: 200, Command: []byte("{}"), PythonVersion: "3.11",
		})
		if err != nil {
			t.Fatal(err)
		}
		d := s.Range(0, 1, 1, 1).Select(Col("id").Call("ours", []string{"a"}).Alias("x"))
		schema, err := d.Schema(ctx)
		if err != nil || schema.DDL() != "x ARRAY<STRING>" {
			t.Errorf("%s, %v", schema.DDL(), err)
		}
		byName, err := s.SQL(ctx, "SELECT ours(id) AS x FROM range(1)")
		if err != nil {
			t.Fatal(err)
		}
		if schema, err := byName.Schema(ctx); err != nil || schema.DDL() != "x ARRAY<STRING>" {
			t.Errorf("%s, %v", schema.DDL(), err)
		}
	}
}
