package spark

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// text returns the rows as one text, in their order.
func text(t *testing.T, d *DataFrame) string {
	t.Helper()
	return fmt.Sprint(collect(t, d))
}

func statement(t *testing.T, s *Session, query string) *DataFrame {
	t.Helper()
	d, err := s.SQL(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fewTasks sets two partitions for shuffles. The default of 200 is slow.
func fewTasks(t *testing.T, s *Session) {
	t.Helper()
	if err := s.Conf().Set(t.Context(), "spark.sql.shuffle.partitions", "2"); err != nil {
		t.Fatal(err)
	}
}

func TestServerFrames(t *testing.T) {
	s := connectServer(t, "")
	fewTasks(t, s)
	r := s.Range(0, 6, 1, 3)
	id := Col("id")
	holes := statement(t, s, "SELECT * FROM VALUES (1, 'a', 1.5D, true), (2, NULL, double('NaN'), NULL), (NULL, 'c', NULL, false) AS t(n, s, d, b)")
	sales := statement(t, s, "SELECT * FROM VALUES ('de', 1, 10), ('de', 2, 20), ('fr', 1, 5), ('fr', 1, 6) AS t(country, month, price)")
	byCountry := Sum(Col("price")).Alias("sum")
	for name, c := range map[string]struct {
		d    *DataFrame
		want string
	}{
		"renamed":         {r.Limit(1).WithColumn("x", Lit("y")).WithColumnRenamed("x", "a.b").WithColumnRenamed("none", "z"), "[[id=0 a.b=y]]"},
		"drop duplicates": {r.WithColumn("odd", id.Mod(2)).DropDuplicates("odd").Select(Col("odd")).OrderBy(Col("odd")), "[[odd=0] [odd=1]]"},
		"no duplicates":   {r.Limit(1).Union(r.Limit(1)).DropDuplicates(), "[[id=0]]"},
		"coalesce":        {r.Coalesce(2).Select(Call("spark_partition_id").Alias("p")).Distinct().OrderBy(Col("p")), "[[p=0] [p=1]]"},
		"coalesce to one": {r.Coalesce(1).SortWithinPartitions(id.Desc()).Limit(2), "[[id=5] [id=4]]"},
		"in partitions":   {r.SortWithinPartitions(id.Desc()), "[[id=1] [id=0] [id=3] [id=2] [id=5] [id=4]]"},
		"sample of all":   {r.Sample(1, 7).GroupBy().Count(), "[[count=6]]"},
		"sample of none":  {r.Sample(0, 7), "[]"},
		"intersect":       {r.Union(r).Intersect(s.Range(4, 9, 1, 1)).OrderBy(id), "[[id=4] [id=5]]"},
		"except":          {r.Union(r).Except(s.Range(1, 5, 1, 1)).OrderBy(id), "[[id=0] [id=5]]"},
		"drop na":         {holes.DropNA(), "[[n=1 s=a d=1.5 b=true]]"},
		"drop na of one":  {holes.DropNA("d", "n").Select(Col("n")), "[[n=1]]"},
		"fill numbers":    {holes.FillNA(7), "[[n=1 s=a d=1.5 b=true] [n=2 s=<nil> d=7 b=<nil>] [n=7 s=c d=7 b=false]]"},
		"fill as int":     {holes.FillNA(float32(7.5), "n", "d").Select(Col("n"), Col("d")), "[[n=1 d=1.5] [n=2 d=7.5] [n=7 d=7.5]]"},
		"fill texts":      {holes.FillNA("?").Select(Col("s"), Col("n")), "[[s=a n=1] [s=? n=2] [s=c n=<nil>]]"},
		"fill booleans":   {holes.FillNA(true, "b").Select(Col("b")), "[[b=true] [b=true] [b=false]]"},
		"fill bytes":      {holes.FillNA(int8(3)).FillNA(int16(4)).Select(Col("n")), "[[n=1] [n=2] [n=3]]"},
		"pivot":           {sales.GroupBy(Col("country")).Pivot(Col("month"), 2, 1).Agg(byCountry).OrderBy(Col("country")), "[[country=de 2=20 1=10] [country=fr 2=<nil> 1=11]]"},
		"pivot of all":    {sales.GroupBy().Pivot(Col("country")).Count(), "[[de=2 fr=2]]"},
		"rollup": {sales.Rollup(Col("country"), Col("month")).Agg(byCountry).OrderBy(Col("country"), Col("month")),
			"[[country=<nil> month=<nil> sum=41] [country=de month=<nil> sum=30] [country=de month=1 sum=10] [country=de month=2 sum=20] [country=fr month=<nil> sum=11] [country=fr month=1 sum=11]]"},
		"cube": {sales.Cube(Col("country"), Col("month")).Agg(byCountry).Where(Col("country").IsNull()).OrderBy(Col("month")),
			"[[country=<nil> month=<nil> sum=41] [country=<nil> month=1 sum=21] [country=<nil> month=2 sum=20]]"},
		"when": {r.Select(When(id.Lt(2), "few").When(id.Lt(4), Call("concat", "so", "me")).Otherwise("many").Alias("w")).GroupBy(Col("w")).Count().OrderBy(Col("w")),
			"[[w=few count=2] [w=many count=2] [w=some count=2]]"},
		"when or null": {r.Limit(2).Select(When(id.Eq(1), id).Otherwise(nil).Alias("w")), "[[w=<nil>] [w=1]]"},
		"texts": {s.Range(0, 1, 1, 1).Select(Lit("häuser").Alias("s")).Select(Col("s").StartsWith("hä").Alias("a"), Col("s").EndsWith("s").Alias("b"),
			Col("s").Contains("user").Alias("c"), Col("s").Contains("%").Alias("d"), Col("s").Substr(2, 3).Alias("e"), Col("s").Substr(-2, 9).Alias("f")),
			"[[a=true b=false c=true d=false e=äus f=er]]"},
		"nan": {holes.Select(Col("d").IsNaN().Alias("x")), "[[x=false] [x=true] [x=false]]"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, text(t, c.d), c.want) })
	}
	many := s.Range(0, 1000, 1, 4)
	a, b := text(t, many.Sample(0.5, 42)), text(t, many.Sample(0.5, 42))
	if n := strings.Count(a, "id="); a != b || n < 300 || n > 700 {
		t.Errorf("a sample of a half has %d rows of 1000; the same twice: %v", n, a == b)
	}
	if err := s.Conf().Set(t.Context(), "spark.sql.autoBroadcastJoinThreshold", "-1"); err != nil {
		t.Fatal(err)
	}
	for hint, want := range map[string]string{"broadcast": "BroadcastHashJoin", "shuffle_hash": "ShuffledHashJoin"} {
		plan, err := r.JoinUsing(many.Hint(hint), "inner", "id").Explain(t.Context(), "simple")
		if err != nil || !strings.Contains(plan, want) {
			t.Errorf("the hint %s: %v\n%s", hint, err, plan)
		}
	}
	plan, err := r.Hint("rebalance", 2, id).Explain(t.Context(), "extended")
	if !s.atLeast(4, 0) {
		if err == nil || !strings.Contains(err.Error(), "hint rebalance: parameter 2 is not a literal, but Spark 3.5") {
			t.Error(err)
		}
	} else if err != nil || !strings.Contains(plan, "RebalancePartitions [id#") {
		t.Errorf("a hint with parameters: %v\n%s", err, plan)
	}
}

func TestServerWindows(t *testing.T) {
	s := connectServer(t, "")
	fewTasks(t, s)
	d := statement(t, s, `SELECT *, timestamp'2024-01-01 00:00:00' + make_dt_interval(0, h) AS at, date'2024-01-01' + h AS day
		FROM VALUES ('a', 0, 1L), ('a', 1, 2L), ('a', 1, 4L), ('a', 26, 8L), ('b', 3, 16L) AS t(k, h, n)`)
	n := Col("n")
	a := PartitionBy(Col("k")).OrderBy(n.Desc())
	hours := PartitionBy(Col("k")).OrderBy(Col("h"))
	for name, c := range map[string]struct {
		column Column
		want   string
	}{
		"all rows":        {Count(Col("*")).Over(Window{}), "5 5 5 5 5"},
		"partition":       {Sum(n).Over(PartitionBy(Col("k"))), "15 15 15 15 16"},
		"peers":           {Sum(n).Over(hours), "1 7 7 15 16"},
		"number":          {Call("row_number").Over(a), "4 3 2 1 1"},
		"lag":             {Call("lag", n, 1, 0).Over(hours.OrderBy(n)), "0 1 2 4 0"},
		"rows":            {Sum(n).Over(hours.OrderBy(n).RowsBetween(-1, CurrentRow)), "1 3 6 12 16"},
		"rows behind":     {Sum(n).Over(hours.OrderBy(n).RowsBetween(1, UnboundedFollowing)), "14 12 8 <nil> <nil>"},
		"rows up to":      {Sum(n).Over(hours.OrderBy(n).RowsBetween(UnboundedPreceding, -2)), "<nil> <nil> 1 3 <nil>"},
		"range":           {Sum(n).Over(hours.RangeBetween(-1, 0)), "1 7 7 8 16"},
		"range of bigint": {Sum(n).Over(PartitionBy(Col("k")).OrderBy(n).RangeBetween(int64(-2), 2)), "3 7 6 8 16"},
		"range of time":   {Sum(n).Over(PartitionBy(Col("k")).OrderBy(Col("at")).RangeBetween(-25*time.Hour, CurrentRow)), "1 7 7 14 16"},
		"range of days":   {Sum(n).Over(PartitionBy(Col("k")).OrderBy(Col("day")).RangeBetween(-26, -1)), "<nil> 1 1 7 <nil>"},
		"range all":       {Sum(n).Over(hours.RangeBetween(UnboundedPreceding, UnboundedFollowing)), "15 15 15 15 16"},
		"in an order":     {Call("ntile", 2).Over(Window{}.OrderBy(Col("h"), n)), "1 1 1 2 2"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, row := range collect(t, d.Select(n, c.column.Alias("x")).OrderBy(n)) {
				got = append(got, fmt.Sprint(row.At(1)))
			}
			expect(t, strings.Join(got, " "), c.want)
		})
	}
	// An error that only Spark finds.
	_, err := d.Select(Sum(n).Over(PartitionBy(Col("k")).RangeBetween(-1, 0))).Collect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "range window frame") {
		t.Error(err)
	}
}

func TestServerPersist(t *testing.T) {
	s := connectServer(t, "")
	fewTasks(t, s)
	ctx := t.Context()
	kept := func(d *DataFrame) bool {
		t.Helper()
		plan, err := d.Explain(ctx, "simple")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(plan, "InMemoryTableScan")
	}
	// The UUIDs show whether rows were computed again.
	d := statement(t, s, "SELECT id, java_method('java.util.UUID', 'randomUUID') AS u FROM range(0, 100, 1, 4)")
	if err := d.CreateOrReplaceTempView(ctx, "kept_by_test"); err != nil {
		t.Fatal(err)
	}
	if first, second := text(t, d), text(t, d); first == second {
		t.Fatal("the rows are the same before Persist")
	}
	for level, persist := range map[string]func() error{
		"Persist":         func() error { return d.Persist(ctx) },
		"disk_only":       func() error { return d.PersistAs(ctx, "disk_only") },
		"MEMORY_ONLY":     func() error { return d.PersistAs(ctx, "MEMORY_ONLY") },
		"MEMORY_AND_DISK": func() error { return d.PersistAs(ctx, "MEMORY_AND_DISK") },
	} {
		for range 2 { // the second call changes nothing
			if err := persist(); err != nil {
				t.Fatal(level, err)
			}
		}
		first := text(t, d)
		if text(t, d) != first || text(t, s.Table("kept_by_test")) != first {
			t.Errorf("%s: the rows were computed again", level)
		}
		derived := d.Where(Col("id").Ge(50)).Union(d.Where(Col("id").Lt(50))).OrderBy(Col("id"))
		if text(t, derived) != first || !kept(derived) {
			t.Errorf("%s: a derived DataFrame does not read the persisted rows", level)
		}
		for range 2 {
			if err := d.Unpersist(ctx); err != nil {
				t.Fatal(level, err)
			}
		}
		if kept(d) || text(t, d) == first {
			t.Errorf("%s: the rows are the same after Unpersist", level)
		}
	}
	// Persisted rows outlive their session, and another session finds them.
	first := connectServer(t, "")
	if err := first.Range(0, 12345, 1, 1).Persist(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	d = s.Range(0, 12345, 1, 1)
	if !kept(d) {
		t.Error("the persisted rows ended with their session")
	}
	if err := d.Unpersist(ctx); err != nil || kept(d) {
		t.Error("another session cannot unpersist the rows", err)
	}
}
