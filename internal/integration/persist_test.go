//go:build linux

package integration

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/udf"
)

type called struct {
	ID   int64 `spark:"id"`
	Call int64 `spark:"call"`
}

// The functions return the number of the call, so that a value shows whether it was
// computed again.
var (
	calls atomic.Int64

	countCall = func(_ context.Context, in []int64) ([]int64, error) {
		out := make([]int64, len(in))
		for i := range out {
			out[i] = calls.Add(1)
		}
		return out, nil
	}
	_         = udf.Func("call_number", countCall)
	_         = udf.Func("volatile_call_number", countCall).Volatile()
	_         = udf.Aggregate("group_call_number", func(context.Context, []int64) (int64, error) { return calls.Add(1), nil })
	callsOfID = udf.Map("calls_of_id", func(_ context.Context, in iter.Seq[[]struct {
		ID int64 `spark:"id"`
	}], emit func([]called) error) error {
		for rows := range in {
			var out []called
			for _, r := range rows {
				out = append(out, called{r.ID, calls.Add(1)})
			}
			if err := emit(out); err != nil {
				return err
			}
		}
		return nil
	})
)

// A worker computes the columns of a persisted DataFrame once, on each Spark, for
// every way in which a function gets into a plan.
func TestPersist(t *testing.T) {
	t.Parallel()
	testkit.Integration(t)
	var asked questions
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked.take(string(body))
		label := "big"
		if strings.Contains(string(body), "number 1.") {
			label = "small"
		}
		fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":%q},"text":%[1]q,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}`, label)
	}))
	defer endpoint.Close()
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			s, err := spark.Connect(t.Context(), testkit.SharedSparkOf(t, version), spark.WithAllocator(mem), spark.WithModel("openai:m@"+endpoint.URL+"/v1"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				s.Close()
				mem.AssertSize(t, 0)
			}()
			if err := s.Conf().Set(t.Context(), "spark.sql.shuffle.partitions", "2"); err != nil {
				t.Fatal(err)
			}
			keptCalls(t, s)
			keptAnswers(t, s, &asked)
		})
	}
}

func keptCalls(t *testing.T, s *spark.Session) {
	t.Helper()
	id := spark.Col("id")
	local, err := s.CreateDataFrame(t.Context(), []struct {
		ID int64 `spark:"id"`
	}{{5}, {6}, {7}})
	if err != nil {
		t.Fatal(err)
	}
	sql, err := s.SQL(t.Context(), "SELECT id, call_number(id) AS call FROM range(0, 50, 1, 4)")
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*spark.DataFrame{
		"DataFrame":  s.Range(0, 50, 1, 4).WithColumn("call", spark.Call("call_number", id)),
		"SQL":        sql,
		"local rows": local.WithColumn("call", spark.Call("call_number", id)),
		"volatile":   s.Range(0, 50, 1, 4).WithColumn("call", spark.Call("volatile_call_number", id)),
		"aggregate":  s.Range(0, 50, 1, 4).GroupBy(id.Mod(7).Alias("id")).Agg(spark.Call("group_call_number", id).Alias("call")),
		"map":        s.Range(0, 50, 1, 4).MapBatches(callsOfID),
	} {
		collect := func(d *spark.DataFrame) string {
			t.Helper()
			rows, err := d.Collect(t.Context())
			if err != nil {
				t.Fatal(name, err)
			}
			slices.SortFunc(rows, func(a, b spark.Row) int { return strings.Compare(a.String(), b.String()) })
			return fmt.Sprint(rows)
		}
		if first, second := collect(d), collect(d); first == second {
			t.Errorf("%s: two queries give the same calls before Persist", name)
		}
		if err := d.Persist(t.Context()); err != nil {
			t.Fatal(name, err)
		}
		first := collect(d)
		half := d.Where(id.Lt(25)).Union(d.Where(id.Ge(25)))
		if second, third := collect(d), collect(half); second != first || third != first {
			t.Errorf("%s: the function was called again after Persist:\n%s\n%s\n%s", name, first, second, third)
		}
		if err := d.Unpersist(t.Context()); err != nil {
			t.Fatal(name, err)
		}
		if collect(d) == first {
			t.Errorf("%s: the values are the same after Unpersist", name)
		}
	}
}

// keptAnswers tests AI columns. No request is sent twice while the worker has its
// answer in memory, even if Spark computes a column for a filter and again for the
// result. A persisted column is read, and not computed.
func keptAnswers(t *testing.T, s *spark.Session, asked *questions) {
	t.Helper()
	asked.forget()
	const rows = 20
	id, label := spark.Col("id"), spark.Col("size")
	d := s.Range(0, rows, 1, 3).WithColumn("size", ai.Classify(spark.Call("concat", "number ", id, "."), "small", "big"))
	derived := []struct {
		d    *spark.DataFrame
		want string
	}{
		{d.Where(label.Eq("small")), "[[id=1 size=small]]"},
		{d.GroupBy(label).Count().OrderBy(label), "[[size=big count=19] [size=small count=1]]"},
		{d.Select(id, spark.Count(spark.Col("*")).Over(spark.PartitionBy(label)).Alias("n")).Where(id.Lt(3)).OrderBy(id), "[[id=0 n=19] [id=1 n=1] [id=2 n=19]]"},
	}
	check := func(kept bool) {
		t.Helper()
		for i, c := range derived {
			got, err := c.d.Collect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("query %d: got %v, want %s", i, got, c.want)
			}
			plan, err := c.d.Explain(t.Context(), "simple")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(plan, "InMemoryRelation") != kept {
				t.Errorf("query %d, kept %v:\n%s", i, kept, plan)
			}
		}
		if n, most := asked.counts(); n != rows || most != 1 {
			t.Errorf("there were requests for %d rows, and at most %d for a row", n, most)
		}
	}
	check(false)
	if err := d.Persist(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(true)
	if err := d.Unpersist(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(false)
	// The same in SQL: CACHE TABLE computes at once.
	query(t, s, fmt.Sprintf("CACHE TABLE kept AS SELECT id, ai_classify(concat('number ', id, '.'), array('small', 'big')) AS size FROM range(%d)", rows))
	derived = derived[:1]
	derived[0].d = s.Table("kept").Where(label.Eq("small"))
	check(true)
	query(t, s, "UNCACHE TABLE kept")
	check(false)
	inWindow := query(t, s, fmt.Sprintf(`SELECT id, count(*) OVER (PARTITION BY ai_classify(concat('number ', id, '.'), array('small', 'big'))) AS n
		FROM range(%d) ORDER BY id LIMIT 3`, rows))
	if got := fmt.Sprint(inWindow); got != "[[id=0 n=19] [id=1 n=1] [id=2 n=19]]" {
		t.Errorf("in a window: %s", got)
	}
}

// questions counts the requests about each row.
type questions struct {
	mu   sync.Mutex
	rows map[string]int
}

var rowAsked = regexp.MustCompile(`number (\d+)\.`)

func (q *questions) take(body string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m := rowAsked.FindStringSubmatch(body); m != nil {
		q.rows[m[1]]++
	}
}

func (q *questions) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rows = map[string]int{}
}

// counts returns the number of rows with requests, and the most requests about a row.
func (q *questions) counts() (rows, most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, n := range q.rows {
		most = max(most, n)
	}
	return len(q.rows), most
}
