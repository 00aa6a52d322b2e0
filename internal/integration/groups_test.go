//go:build linux

package integration

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// digestFile is the name of a model file for which the test's worker opens a digestModel.
const digestFile = "digest.gguf"

// digestModel answers each prompt with its SHA-256, so that an answer for a group shows each
// text, and the place of each text.
type digestModel struct {
	testkit.Echo
	// busy is a file that gets the process id when many prompts are asked; empty for none.
	// A prompt then takes some time. Prompts are added to a file of this name and ".log", if there
	// is one.
	busy string
}

func (digestModel) Info() llm.Info {
	return llm.Info{Name: "digest", Context: 8192, Roles: []llm.ModelRole{llm.Text}}
}

func (m digestModel) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	if m.busy != "" && len(requests) >= 100 {
		if err := os.WriteFile(m.busy, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(len(requests)) * 2 * time.Millisecond)
	}
	if log, err := os.OpenFile(m.busy+".log", os.O_WRONLY|os.O_APPEND, 0); err == nil { // only if a test has made it
		for _, r := range requests {
			fmt.Fprintln(log, testkit.Rendered(r))
		}
		log.Close()
	}
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		if c, ok := r.Constraint.(llm.Choice); ok {
			results[i].Scores = make([]float64, len(c.Labels))
			continue
		}
		sum := sha256.Sum256([]byte(testkit.Rendered(r)))
		results[i] = llm.Result{Text: fmt.Sprintf("%x", sum[:8]), Finish: llm.FinishStop}
	}
	return results, ctx.Err()
}

// groupSizes are the sizes of the groups of the test. Each has a NULL besides.
var groupSizes = []int{0, 1, 1000, 100_000}

// groupsSQL returns a query of rows of k, the size of the group, and text.
func groupsSQL(partitions int) string {
	all := 0
	var k strings.Builder
	for _, size := range groupSizes {
		all += size + 1
		fmt.Fprintf(&k, " WHEN id < %d THEN %d", all, size)
	}
	// A multiplication modulo a prime number brings the rows into another order.
	return fmt.Sprintf("SELECT CASE %s END AS k, CASE WHEN id IN (0, 2, 1003, 101004) THEN NULL ELSE concat('text ', id, ' that a customer wrote about a product') END AS text "+
		"FROM (SELECT (id + 1) * %d %% 101009 - 1 AS id FROM range(0, 101008, 1, %d)) WHERE id < %d", k.String(), 7919+2*partitions, partitions, all)
}

// Groups of any size have the same answers for any partitions, also if an executor is killed,
// and as in this process. The memory of a worker is bounded.
func TestGroupsOnExecutors(t *testing.T) {
	t.Parallel()
	file := randomModel(t, digestFile)
	server := testkit.Spark(t, localspark.Options{Master: "local-cluster[2,1,1024]"})
	s, err := spark.Connect(t.Context(), server.URL(), spark.WithModel(file), spark.WithModelAt(spark.AtSamePath, false), spark.WithConnectTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	want := map[int]string{}
	for id, size := 0, 0; len(want) < len(groupSizes); size++ {
		var texts []string
		for range groupSizes[size] + 1 {
			if id != 0 && id != 2 && id != 1003 && id != 101004 {
				texts = append(texts, fmt.Sprintf("text %d that a customer wrote about a product", id))
			}
			id++
		}
		want[groupSizes[size]] = answerInGo(t, "ai_agg", ai.Row{texts, "What do they say?"})
	}
	const columns = "k, count(*) AS n, ai_agg(collect_list(text), 'What do they say?') AS answer, firesteel_worker_info(count(*)) AS worker"
	check := func(name, query string) (pids map[int]workerInfo) {
		t.Helper()
		df, err := s.SQL(t.Context(), query)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rows, err := df.Collect(t.Context())
		if err != nil || len(rows) != len(groupSizes) {
			t.Fatalf("%s: %d groups, %v", name, len(rows), err)
		}
		for _, row := range rows {
			k, _ := spark.Get[int32](row, "k")
			n, _ := spark.Get[int64](row, "n")
			answer, _ := row.Value("answer")
			if answer == nil {
				answer = ""
			}
			if n != int64(k)+1 || answer != want[int(k)] {
				t.Errorf("%s: group of %d texts: %d rows, answer %q, want %q", name, k, n, answer, want[int(k)])
			}
		}
		return workers(t, rows, "worker")
	}
	for _, partitions := range []int{1, 3, 8} {
		pids := check(fmt.Sprintf("%d partitions", partitions), fmt.Sprintf("SELECT %s FROM (%s) GROUP BY k", columns, groupsSQL(partitions)))
		for pid := range pids {
			kb := peakMemory(t, pid)
			t.Logf("%d partitions: the worker %d used %d MB", partitions, pid, kb>>10)
			if kb > 512<<10 {
				t.Errorf("the worker %d used %d MB for 10 MB of texts", pid, kb>>10)
			}
		}
	}

	if err := os.Remove(file + ".busy"); err != nil {
		t.Fatal(err)
	}
	killed := make(chan int, 1)
	go func() {
		for begin := time.Now(); time.Since(begin) < patience; time.Sleep(10 * time.Millisecond) {
			text, err := os.ReadFile(file + ".busy")
			if pid, wrong := strconv.Atoi(string(text)); err == nil && wrong == nil {
				executor := processes(t)[pid]
				kill(t, executor)
				killed <- executor
				return
			}
		}
		killed <- 0
	}()
	pids := check("an executor killed", fmt.Sprintf("SELECT %s FROM (%s) GROUP BY k", columns, groupsSQL(5)))
	executor := <-killed
	if executor == 0 {
		t.Fatal("no executor was killed")
	}
	for pid := range pids {
		if processes(t)[pid] == executor {
			t.Error("the executor lives")
		}
	}
}

// answerInGo returns the answer of a function with a digestModel, and "" for NULL.
func answerInGo(t *testing.T, function string, row ai.Row) string {
	t.Helper()
	f, err := ai.Lookup(function)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := f.Eval(t.Context(), func(context.Context, llm.ModelRole, string) (llm.Model, error) { return digestModel{}, nil }, []ai.Row{row})
	if err != nil || answers[0].Err != nil {
		t.Fatal(err, answers)
	}
	text, _ := answers[0].Value.(string)
	return text
}

// peakMemory returns the most memory that a process had, in KB.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb
		}
	}
	t.Fatalf("process %d has no VmHWM", pid)
	return 0
}

// In SQL of the client a function over groups is an aggregate, beside others.
func TestGroupsInSQL(t *testing.T) {
	t.Parallel()
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) { groupsInSQL(t, version) })
	}
}

func groupsInSQL(t *testing.T, version string) {
	file := randomModel(t, digestFile)
	s, err := spark.Connect(t.Context(), testkit.SharedSparkOf(t, version), spark.WithModel(file), spark.WithConnectTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	query(t, s, `CREATE OR REPLACE TEMPORARY VIEW said AS SELECT * FROM VALUES
		(1, 'good'), (1, ' bad '), (1, NULL), (1, 'good'), (2, 'fine'), (3, NULL) AS t(k, text)`)
	answer := func(texts ...string) string { return answerInGo(t, "ai_agg", ai.Row{texts, "What?"}) }
	first, second, all := answer("good", "bad", "good"), answer("fine"), answer("good", "bad", "good", "fine")
	summary := answerInGo(t, "ai_summarize_agg", ai.Row{[]string{"good", "bad", "good", "fine"}, int64(0)})
	for statement, want := range map[string]string{
		"SELECT k, count(*), ai_agg(text, 'What?') FROM said GROUP BY k ORDER BY k":                                                                         "[1 4 " + first + "] [2 1 " + second + "] [3 1 <nil>]",
		"SELECT k, ai_agg(texts, 'What?') FROM (SELECT k, collect_list(text) AS texts FROM said GROUP BY k) ORDER BY k":                                     "[1 " + first + "] [2 " + second + "] [3 <nil>]",
		"SELECT ai_agg(text, 'What?'), ai_summarize_agg(text, 0), count(text) FROM said":                                                                    "[" + all + " " + summary + " 4]",
		"SELECT ai_agg(text, 'What?') FILTER (WHERE k = 2), ai_agg(DISTINCT text, 'What?') FROM said WHERE k < 3":                                           "[" + second + " " + answer("good", "bad", "fine") + "]",
		"SELECT DISTINCT k, ai_agg(text, 'What?') OVER (PARTITION BY k) AS a, ai_agg(collect_list(text) OVER (), 'What?') FROM said WHERE k > 1 ORDER BY k": "[2 " + second + " " + second + "] [3 <nil> " + second + "]",
		"SELECT try_ai_agg(text, ' ').error FROM said":                                                                                                      "[argument instruction: it is blank; say what to find out about the texts]",
		"SELECT k FROM said GROUP BY k HAVING ai_agg(text, 'What?') = '" + second + "'":                                                                     "[2]",
		"SELECT ai_agg(array('good', text), 'What?') FROM said WHERE k = 2":                                                                                 "[" + answer("good", "fine") + "]",
	} {
		var got []string
		for _, row := range query(t, s, statement) {
			values := make([]string, row.Len())
			for i := range values {
				values[i] = fmt.Sprint(row.At(i))
			}
			got = append(got, "["+strings.Join(values, " ")+"]")
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", statement, text, want)
		}
	}
	said := s.Table("said")
	rows, err := said.GroupBy(spark.Col("k")).Agg(spark.Call("count", 1).Alias("n"), ai.Agg(spark.Col("text"), "What?").Alias("a"), ai.SummarizeAgg(spark.Col("text"), 0)).OrderBy(spark.Col("k")).Collect(t.Context())
	if err != nil || len(rows) != 3 || rows[0].At(2) != first || rows[1].At(2) != second || rows[2].At(2) != nil || rows[2].At(3) != nil {
		t.Errorf("a DataFrame: %v, %v", rows, err)
	}
	for statement, want := range map[string]string{
		"SELECT ai_agg(nope, 'What?') FROM said":                     "nope",
		"SELECT k, text, ai_agg(text, 'What?') FROM said GROUP BY k": "text",
		"SELECT ai_agg(text, ' ') FROM said":                         "argument instruction: it is blank",
		"SELECT ai_agg(map(k, text), 'What?') FROM said":             "collect_list(content)",
	} {
		if _, err := collect(t, s, statement); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", statement, err, want)
		}
	}
}
