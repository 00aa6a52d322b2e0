//go:build linux

package integration

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/udf"
)

// kinds has a field for each type that SQL has on every Spark.
type kinds struct {
	B    *bool               `spark:"b"`
	Y    *int8               `spark:"y"`
	S    *int16              `spark:"s"`
	I    *int32              `spark:"i"`
	L    *int64              `spark:"l"`
	F    *float32            `spark:"f"`
	D    *float64            `spark:"d"`
	Dec  *spark.Decimal      `spark:"dec"`
	Str  *string             `spark:"str"`
	Bin  []byte              `spark:"bin"`
	Ts   *time.Time          `spark:"ts"`
	Day  *udf.Date           `spark:"day"`
	Iv   *time.Duration      `spark:"iv"`
	A    []*string           `spark:"a"`
	M    map[string][]int64  `spark:"m"`
	St   *point              `spark:"st"`
	Deep []map[string]*point `spark:"deep"`
}

type point struct {
	X int32    `spark:"x"`
	Y *float64 `spark:"y"`
}

type weighed struct {
	Value  float64 `spark:"value"`
	Weight float64 `spark:"weight"`
}

type counted struct {
	Word string `spark:"word"`
	N    int64  `spark:"n"`
}

var (
	_ = udf.Func("same_kinds", func(_ context.Context, in []kinds) ([]kinds, error) { return in, nil })
	_ = udf.Func2("repeat_text", func(_ context.Context, text []string, times []int) ([]string, error) {
		out := make([]string, len(text))
		for i := range text {
			if times[i] < 0 {
				panic(fmt.Sprintf("%d times is too few", times[i]))
			}
			out[i] = strings.Repeat(text[i], times[i])
		}
		return out, nil
	})
	_ = udf.Func("model_name", func(ctx context.Context, in []string) ([]string, error) {
		model, err := udf.Model(ctx)
		if err != nil {
			return nil, err
		}
		out := make([]string, len(in))
		for i := range in {
			out[i] = model.Info().Name
		}
		return out, nil
	})
	_ = udf.Func("words_of", func(_ context.Context, in []string) ([][]counted, error) {
		out := make([][]counted, len(in))
		for i, text := range in {
			for n, word := range strings.Fields(text) {
				out[i] = append(out[i], counted{word, int64(n)})
			}
		}
		return out, nil
	})
	_ = udf.Func("longest_of", func(_ context.Context, groups [][]string) ([]string, error) {
		out := make([]string, len(groups))
		for i, group := range groups {
			for _, text := range group {
				if len(text) > len(out[i]) {
					out[i] = text
				}
			}
		}
		return out, nil
	})
	_ = udf.Aggregate("longest", func(_ context.Context, group []string) (string, error) {
		longest := group[0]
		for _, text := range group {
			if text == "boom" {
				panic("this word is too loud")
			}
			if len(text) > len(longest) {
				longest = text
			}
		}
		return longest, nil
	})
	_ = udf.Aggregate("mean_of", func(_ context.Context, group []weighed) (float64, error) {
		sum, weights := 0.0, 0.0
		for _, r := range group {
			sum += r.Value * r.Weight
			weights += r.Weight
		}
		return sum / weights, nil
	})
	_ = udf.Aggregate("group_size", func(_ context.Context, group []*string) (int, error) { return len(group), nil })
	_ = udf.Func("slow_echo", func(_ context.Context, in []string) ([]string, error) {
		time.Sleep(300 * time.Millisecond)
		return in, nil
	})
	countWords = udf.Map("count_words", func(_ context.Context, in iter.Seq[[]struct {
		Text string `spark:"text"`
	}], emit func([]counted) error) error {
		counts := map[string]int64{}
		for rows := range in {
			for _, r := range rows {
				for _, word := range strings.Fields(r.Text) {
					counts[word]++
				}
			}
		}
		var out []counted
		for word, n := range counts {
			out = append(out, counted{word, n})
		}
		return emit(out)
	})
)

// The functions of a program work on each Spark.
func TestUserFunctions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			s, err := spark.Connect(t.Context(), testkit.SharedSparkOf(t, version), spark.WithAllocator(mem), spark.WithModel(models.Default))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				s.Close()
				mem.AssertSize(t, 0)
			}()
			userKinds(t, s)
			userScalars(t, s)
			userMap(t, s)
			userAggregates(t, s, version)
		})
	}
}

func userKinds(t *testing.T, s *spark.Session) {
	t.Helper()
	rows := query(t, s, `SELECT same, struct(b, y, s, i, l, f, d, dec, str, bin, ts, day, iv, a, m, st, deep) AS want FROM (
		SELECT *, same_kinds(b, y, s, i, l, f, d, dec, str, bin, ts, day, iv, a, m, st, deep) AS same FROM VALUES
			(true, 1Y, 2S, 3, 4L, 1.5F, 2.5D, CAST(12.5 AS DECIMAL(38,18)), 'é', X'00ff', TIMESTAMP'2024-02-29 12:00:00.123456', DATE'1969-12-31',
				INTERVAL '1 02:03:04.5' DAY TO SECOND, array('p', NULL), map('k', array(1L, 2L)), named_struct('x', 1, 'y', 2.5D), array(map('z', named_struct('x', 2, 'y', CAST(NULL AS DOUBLE))))),
			(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
		AS t(b, y, s, i, l, f, d, dec, str, bin, ts, day, iv, a, m, st, deep))`)
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		if got, want := row.At(0), row.At(1); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
	types := query(t, s, `SELECT typeof(same_kinds(b, y, s, i, l, f, d, dec, str, bin, ts, day, iv, a, m, st, deep)) FROM VALUES
		(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS t(b, y, s, i, l, f, d, dec, str, bin, ts, day, iv, a, m, st, deep)`)
	want := "struct<b:boolean,y:tinyint,s:smallint,i:int,l:bigint,f:float,d:double,dec:decimal(38,18),str:string,bin:binary,ts:timestamp,day:date," +
		"iv:interval day to second,a:array<string>,m:map<string,array<bigint>>,st:struct<x:int,y:double>,deep:array<map<string,struct<x:int,y:double>>>>"
	if got := types[0].At(0); got != want {
		t.Errorf("the type is %s\nwant %s", got, want)
	}
}

func userScalars(t *testing.T, s *spark.Session) {
	t.Helper()
	rows := query(t, s, `SELECT repeat_text(text, n), model_name(text), count(*) OVER () FROM VALUES ('ab', 2), (NULL, 1), ('c', 0), ('d', NULL) AS t(text, n)`)
	var got []string
	var models []bool
	for _, row := range rows {
		got = append(got, fmt.Sprint(row.At(0)))
		models = append(models, row.At(1) != nil)
	}
	if want := []bool{true, false, true, true}; !reflect.DeepEqual(models, want) {
		t.Errorf("rows with the name of the model: %v, want %v", models, want)
	}
	if want := []string{"abab", "<nil>", "", "<nil>"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// In a DataFrame, over many tasks.
	frame := s.Range(0, 20000, 1, 8).Select(spark.Call("repeat_text", spark.Col("id").Cast("string"), 2).Alias("twice"))
	n, err := frame.Filter(spark.Col("twice").RLike(`^(\d+)\1$`)).Count(t.Context())
	if err != nil || n != 20000 {
		t.Errorf("%d rows contain a text twice; want 20000; %v", n, err)
	}
	// With inline() and collect_list().
	rows = query(t, s, `SELECT n % 2 AS odd, longest_of(collect_list(word)) AS longest FROM (
		SELECT inline(words_of(text)) FROM VALUES ('a bb ccc dddd'), (NULL), ('eeeee') AS t(text)) GROUP BY 1 ORDER BY 1`)
	if got := fmt.Sprint(rows); got != "[[odd=0 longest=eeeee] [odd=1 longest=dddd]]" {
		t.Errorf("the longest words: %s", got)
	}
	_, err = s.Range(0, 10, 1, 1).Select(spark.Call("repeat_text", "x", spark.Lit(-1))).Collect(t.Context())
	for _, want := range []string{"repeat_text: panic: -1 times is too few", "udf_test.go:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error of a panic does not contain %q: %v", want, err)
		}
	}
	_, err = s.Range(0, 10, 1, 1).Select(spark.Call("repeat_text", spark.Col("id"), 1)).Collect(t.Context())
	if want := "repeat_text: argument 1: it is BIGINT, but must be STRING (a Go string); CAST it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error of a wrong type does not contain %q: %v", want, err)
	}
}

func userMap(t *testing.T, s *spark.Session) {
	t.Helper()
	df, err := s.SQL(t.Context(), `SELECT id, 'even' || CASE WHEN id % 4 = 0 THEN ' four' ELSE '' END AS text, 1 AS other FROM range(0, 100000, 2, 4)`)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := spark.CollectAs[counted](t.Context(), df.MapBatches(countWords).
		GroupBy(spark.Col("word")).Agg(spark.Sum(spark.Col("n")).Alias("n")).OrderBy(spark.Col("word")))
	if want := []counted{{"even", 50000}, {"four", 25000}}; err != nil || !reflect.DeepEqual(counts, want) {
		t.Errorf("got %v, %v; want %v", counts, err, want)
	}
	_, err = df.Drop("text").MapBatches(countWords).Collect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "`text`") {
		t.Errorf("a missing column: %v", err)
	}
}

func userAggregates(t *testing.T, s *spark.Session, version string) {
	t.Helper()
	const table = `FROM VALUES ('a', 'x', 1D), ('a', 'yyy', 3D), ('b', NULL, 2D), ('c', 'zz', NULL), (NULL, 'ww', 5D) AS t(k, v, w)`
	for _, c := range []struct{ statement, want string }{
		{`SELECT k, longest(v) AS l, group_size(v) AS n, mean_of(w, w) AS m ` + table + ` GROUP BY k ORDER BY k`,
			"[[k=<nil> l=ww n=1 m=5] [k=a l=yyy n=2 m=2.5] [k=b l=<nil> n=1 m=2] [k=c l=zz n=1 m=<nil>]]"},
		{`SELECT longest(v) AS l, group_size(v) AS n ` + table, "[[l=yyy n=5]]"},
		{`SELECT repeat_text(longest(repeat_text(v, 2)), 2) AS l ` + table + ` WHERE k = 'a' GROUP BY length(k) HAVING group_size(v) > 1`, "[[l=yyyyyyyyyyyy]]"},
		{`SELECT count(*) AS n FROM (SELECT group_size(CAST(id AS STRING)) AS n FROM range(0, 60000, 1, 8) GROUP BY id % 30000) WHERE n = 2`, "[[n=30000]]"},
		{`SELECT group_size(CAST(id AS STRING)) AS n, longest(CAST(id AS STRING)) AS l FROM range(0, 100001, 1, 4)`, "[[n=100001 l=100000]]"},
		{`SELECT longest(v) AS l ` + table + ` WHERE k = 'none'`, "[]"},
	} {
		if got := fmt.Sprint(query(t, s, c.statement)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.statement, got, c.want)
		}
	}
	frame := s.Range(0, 1000, 1, 4).GroupBy(spark.Col("id").Mod(10).Alias("k")).Agg(spark.Call("mean_of", spark.Col("id"), 1).Alias("m"))
	n, err := frame.Filter(spark.Col("m").Ge(495)).Count(t.Context())
	if err != nil || n != 10 {
		t.Errorf("%d groups have a mean of 495 or more; want 10; %v", n, err)
	}
	overWindow := "longest: an aggregate of a program cannot be used over a window (OVER)"
	if version == localspark.DefaultVersion {
		overWindow = "" // Spark 4.3 fails earlier: it does not find the session's program
	}
	for statement, want := range map[string][]string{
		`SELECT longest(v) FROM VALUES ('a'), ('boom') AS t(v)`: {"longest: panic: this word is too loud", "udf_test.go:"},
		`SELECT longest(v) OVER (PARTITION BY k) ` + table:      {overWindow},
		`SELECT longest(DISTINCT v) ` + table:                   {"does not support DISTINCT"},
		`SELECT longest(v) FILTER (WHERE k = 'a') ` + table:     {"does not support FILTER"},
		`SELECT longest(v), count(*) ` + table:                  {"aggregate"},
		`SELECT longest(w) ` + table:                            {"longest: argument 1: it is DOUBLE, but must be STRING (a Go string); CAST it"},
	} {
		df, err := s.SQL(t.Context(), statement)
		if err == nil {
			_, err = df.Collect(t.Context())
		}
		for _, want := range want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error does not contain %q: %v", statement, want, err)
			}
		}
	}
}
