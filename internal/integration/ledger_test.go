//go:build linux

package integration

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// counter is a server that answers "Rome", and counts the requests for each
// "number N." in a prompt.
type counter struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func newCounter(t *testing.T, latency time.Duration) *counter {
	c := &counter{asked: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if m := numberAsked.FindStringSubmatch(string(body)); m != nil {
			c.mu.Lock()
			c.asked[m[1]]++
			c.mu.Unlock()
		}
		time.Sleep(latency)
		fmt.Fprint(w, `{"choices":[{"message":{"role":"assistant","content":"Rome"},"text":"Rome","finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}`)
	}))
	t.Cleanup(c.Close)
	return c
}

var numberAsked = regexp.MustCompile(`number ([0-9a-z-]+)\.`)

// counts returns the number of requests, and that of the numbers which were asked
// several times.
func (c *counter) counts(prefix string) (requests, repeated int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for number, n := range c.asked {
		if !strings.HasPrefix(number, prefix) {
			continue
		}
		requests += n
		if n > 1 {
			repeated++
		}
	}
	return requests, repeated
}

func (c *counter) model() string { return "openai:m@" + c.URL + "/v1" }

// On two executors, with a ledger that they share: a job that is killed and run
// again asks each distinct input once, and a budget holds for both together.
func TestLedgerOnSpark(t *testing.T) {
	t.Parallel()
	testkit.Integration(t)
	master := "local-cluster[2,1,1024]"
	if strings.HasPrefix(testkit.SparkVersion(), "3.") {
		master = "local[2]" // its executors in other processes cannot run Connect's jobs
	}
	server := testkit.Spark(t, localspark.Options{Master: master})
	asked := newCounter(t, 100*time.Millisecond)
	ledger := filepath.Join(t.TempDir(), "ledger")
	arguments := func(statement string, more ...string) []string {
		return append([]string{"sql", "--remote", server.URL(), "--model", asked.model(), "--ledger", ledger, "-e", statement}, more...)
	}
	t.Run("killed", func(t *testing.T) {
		const distinct = 250
		statement := fmt.Sprintf("SELECT count(ai_gen(concat('number k', id %% %d, '.'))) AS answers FROM range(0, %d, 1, 8)", distinct, 2*distinct)
		begin, kills := time.Now(), 0
		random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
		more := func() { // waits for some more requests
			begun, _ := asked.counts("k")
			await(t, "no requests", func() bool {
				n, _ := asked.counts("k")
				return n >= min(begun+1+random.IntN(30), distinct)
			})
		}
		// Ctrl-C ends the query on Spark. After a kill of the client it goes on, beside
		// the next one.
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGINT, syscall.SIGKILL} {
			client := exec.CommandContext(t.Context(), program(t), arguments(statement)...)
			if err := client.Start(); err != nil {
				t.Fatal(err)
			}
			more()
			if executors := running(t, "CoarseGrainedExecutorBackend", server.PID()); signal == syscall.SIGINT && len(executors) > 0 {
				kill(t, executors[random.IntN(len(executors))])
				kills++
				more()
			}
			if err := client.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			kills++
			_ = client.Wait()
			last := -1
			n, _ := asked.counts("k")
			for signal == syscall.SIGINT && n != last { // requests under way are completed
				time.Sleep(500 * time.Millisecond)
				last = n
				n, _ = asked.counts("k")
			}
			t.Logf("%v: %d kills, after %d requests", time.Since(begin), kills, n)
		}
		out, errs, err := run(t, "", arguments(statement)...)
		if err != nil || !strings.Contains(out, fmt.Sprint(2*distinct)) {
			t.Fatalf("%v\n%s\n%s", err, out, errs)
		}
		if n, repeated := asked.counts("k"); n != distinct || repeated != 0 {
			t.Errorf("%d requests for %d distinct inputs, %d of which were asked again", n, distinct, repeated)
		}
		t.Logf("%v: the last run: %s", time.Since(begin), errs)
	})
	t.Run("budget", func(t *testing.T) {
		const budget, each, batch = 2000, 10, 16
		statement := `SELECT count(a.result) AS answers, max(a.error) AS why FROM (SELECT try_ai_gen(concat('number b', id, '.')) AS a FROM range(0, 300, 1, 8))`
		out, errs, err := run(t, "", arguments(statement, "--max-tokens", fmt.Sprint(budget))...)
		n, _ := asked.counts("b")
		t.Logf("%d requests of %d tokens with a budget of %d:\n%s\n%s", n, each, budget, out, errs)
		if err != nil || n*each > budget+2*batch*each || n == 0 {
			t.Errorf("%d tokens of %d: %v", n*each, budget, err)
		}
		if !strings.Contains(out, "skipped: the budget of 2000 tokens is used up") || !strings.Contains(out, fmt.Sprintf("|%d ", n)) {
			t.Errorf("%d requests:\n%s", n, out)
		}
		if !strings.Contains(errs, fmt.Sprintf(": 300 rows, %d asked, 0 from the ledger, %d skipped, %d tokens", n, 300-n, n*each)) {
			t.Errorf("the usage is:\n%s", errs)
		}
	})
	t.Run("usage", func(t *testing.T) {
		s, err := spark.Connect(t.Context(), server.URL(), spark.WithProgram(program(t)), spark.WithModel(asked.model()), spark.WithLedger(ledger),
			spark.WithBudget(spark.Budget{Rows: new(int64(30)), PromptPerMillion: 1e6}))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		rows := func(statement string) []spark.Row {
			t.Helper()
			df, err := s.SQL(t.Context(), statement)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := df.Collect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		if got := fmt.Sprint(rows("SELECT count(ai_gen(concat('number u', id % 60, '.'))) AS n FROM range(0, 120, 1, 8)")); got != "[[n=60]]" {
			t.Error(got)
		}
		const want = "[[function=ai_gen rows=120 asked=30 skipped=60 prompt_tokens=270 cost=270]]"
		if got := fmt.Sprint(rows("SELECT function, rows, asked, skipped, prompt_tokens, cost FROM ai_usage")); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		used, err := s.Usage(t.Context())
		if err != nil || len(used) != 1 || used[0].Asked != 30 {
			t.Errorf("%+v, %v", used, err)
		}
	})
}
