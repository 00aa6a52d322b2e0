package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// crashLog, if set, makes this process run the command with a model that logs its
// computations to that file.
const crashLog = "FIRESTEEL_TEST_COMPUTED"

// runCounted runs the command in that process.
func runCounted(log string) int {
	f, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		fmt.Println(err)
		return exitFailed
	}
	openModel = func(context.Context, models.Reference, models.Options) (llm.Model, error) {
		return &countedModel{log: f}, nil
	}
	return Do(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// countedModel answers with a hash of the question, and logs the question before it
// returns. A question with "poison" in it is an error.
type countedModel struct {
	evalModel
	log   *os.File
	mutex sync.Mutex
}

func (*countedModel) Info() llm.Info {
	return llm.Info{Name: "counted", Digest: "counted", Context: 4096, Roles: []llm.ModelRole{llm.Text}}
}

func (m *countedModel) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	time.Sleep(10 * time.Millisecond)
	var lines bytes.Buffer
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		sum := sha256.Sum256([]byte(r.Messages[0].Text))
		key := hex.EncodeToString(sum[:8])
		results[i] = llm.Result{Text: "answer " + key, PromptTokens: 9, OutputTokens: 3}
		if strings.Contains(r.Messages[0].Text, "poison") {
			results[i] = llm.Result{Err: errors.New("it is poison")}
			key = "failed"
		}
		fmt.Fprintln(&lines, os.Getpid(), key)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	_, err := m.log.Write(lines.Bytes())
	return results, err
}

// crashTest is a table, and the number of times that its run is killed.
type crashTest struct {
	rows, distinct, kills int
	textBytes             int
	memory                int64
}

// write writes the table. Some lines have too many cells, and some texts cannot be
// answered. Rows beyond the distinct texts repeat one of them.
func (c crashTest) write(t *testing.T, path string) (bad, failing int) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	random := rand.New(rand.NewPCG(1, 2))
	filling := strings.Repeat("Lorem ipsum dolor sit amet. ", c.textBytes/28)
	fmt.Fprintln(w, "id,text")
	for i := range c.rows {
		k := int(uint64(i) * 2654435761 % uint64(c.rows)) // each number once
		if k >= c.distinct {
			k = random.IntN(c.distinct)
		}
		switch {
		case i%997 == 500:
			fmt.Fprintf(w, "%d,a,line,with,too,many,cells\n", i)
			bad++
		case k%5003 == 17:
			fmt.Fprintf(w, "%d,poison %d %s\n", i, k, filling)
			failing++
		default:
			fmt.Fprintf(w, "%d,text %d %s\n", i, k, filling)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return bad, failing
}

// command returns firesteel run over the table, as another process.
func (c crashTest) command(dir, name string) (cmd *exec.Cmd, errs *bytes.Buffer) {
	cmd = exec.Command(os.Args[0], "run", filepath.Join(dir, "in.csv"), "--add", "answer=ai_gen(text)", "--errors", "problem",
		"--memory", fmt.Sprint(c.memory), "--threads", "2",
		"--ledger", filepath.Join(dir, name+"-ledger"), "-o", filepath.Join(dir, name+".csv"))
	cmd.Env = append(os.Environ(), crashLog+"="+filepath.Join(dir, name+".log"))
	errs = &bytes.Buffer{}
	cmd.Stderr = errs
	return cmd, errs
}

// computed reads a log. It returns how often each question was computed, in all
// processes and at most in one, and the number of processes.
func computed(t *testing.T, path string) (times map[string]int, mostInOne, processes int) {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	times = map[string]int{}
	inOne, pids := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(string(content)) {
		pid, key, _ := strings.Cut(strings.TrimSpace(line), " ")
		pids[pid] = true
		if key == "failed" {
			continue // errors are asked again by every process
		}
		times[key]++
		inOne[line]++
		mostInOne = max(mostInOne, inOne[line])
	}
	return times, mostInOne, len(pids)
}

// A run that is killed and restarted many times ends with the output of an
// undisturbed run. It computes twice only what was in progress when it was killed.
func TestRunKilled(t *testing.T) {
	c := crashTest{rows: 6000, distinct: 4200, kills: 5, textBytes: 300, memory: 128 << 20}
	if os.Getenv(testkit.IntegrationEnv) != "" {
		c = crashTest{rows: 100_000, distinct: 70_000, kills: 20, textBytes: 2000, memory: 192 << 20}
	}
	dir := t.TempDir()
	bad, failing := c.write(t, filepath.Join(dir, "in.csv"))

	cmd, errs := c.command(dir, "quiet")
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitIncomplete {
		t.Fatalf("undisturbed: exit code %d, %v: %s", code, err, errs)
	}
	want := fmt.Sprintf("%d rows in = %d ok + 0 null + %d error + 0 skipped", c.rows, c.rows-bad-failing, bad+failing)
	if !strings.Contains(errs.String(), want) {
		t.Errorf("%q is missing in\n%s", want, errs)
	}
	t.Logf("undisturbed:\n%s", errs)
	quiet, once, _ := computed(t, filepath.Join(dir, "quiet.log"))
	if once != 1 {
		t.Errorf("undisturbed, something was computed %d times", once)
	}

	random := rand.New(rand.NewPCG(3, 4))
	peak := int64(0)
	for round := 0; round < c.kills; round++ {
		cmd, errs := c.command(dir, "killed")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It is killed at any moment: when it has computed some of what is left,
		// and every fifth time in its first tenth of a second.
		pause := time.Duration(random.Int64N(int64(100 * time.Millisecond)))
		if round%5 > 0 {
			more := random.IntN(2 * c.distinct / (c.kills + 4))
			late := time.After(2 * time.Minute)
			for want := logLines(dir) + more; logLines(dir) < want; time.Sleep(time.Millisecond) {
				select {
				case <-late:
					t.Fatalf("round %d: it does not come on: %s", round, errs)
				default:
				}
			}
			pause /= 20
		}
		time.Sleep(pause)
		peak = max(peak, memoryOf(fmt.Sprint(cmd.Process.Pid), "VmHWM:"))
		cmd.Process.Kill()
		cmd.Wait()
		if cmd.ProcessState.Exited() {
			t.Fatalf("round %d: it ended before it was killed: %v: %s", round, cmd.ProcessState, errs)
		}
		if _, err := os.Stat(filepath.Join(dir, "killed.csv")); err == nil {
			t.Fatalf("round %d: there is an output already", round)
		}
	}
	cmd, errs = c.command(dir, "killed")
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	for over := false; !over; {
		select {
		case err = <-ended:
			over = true
		case <-time.After(20 * time.Millisecond):
			peak = max(peak, memoryOf(fmt.Sprint(cmd.Process.Pid), "VmHWM:"))
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != exitIncomplete {
		t.Fatalf("at last: exit code %d, %v: %s", code, err, errs)
	}
	if !strings.Contains(errs.String(), want) {
		t.Errorf("%q is missing in\n%s", want, errs)
	}
	if !bytes.Equal(content(t, filepath.Join(dir, "quiet.csv")), content(t, filepath.Join(dir, "killed.csv"))) {
		t.Error("the outputs differ")
	}
	times, once, processes := computed(t, filepath.Join(dir, "killed.log"))
	again := 0
	for _, n := range times {
		again += n - 1
	}
	// 64 rows a thread are under way.
	if bound := c.kills * 2 * 64; once != 1 || len(times) != len(quiet) || again > bound {
		t.Errorf("%d distinct inputs, %d without being killed; %d were computed again, where %d may be; one %d times by one process",
			len(times), len(quiet), again, bound, once)
	}
	if processes < 1+c.kills/2 {
		t.Errorf("only %d of %d processes came to compute anything: nothing was tested", processes, 1+c.kills)
	}
	if runtime.GOOS == "linux" && (peak == 0 || peak > c.memory) {
		t.Errorf("it took %s of %s of memory", fetch.Bytes(peak), fetch.Bytes(c.memory))
	}
	t.Logf("killed %d times, %d processes computed: %d distinct inputs, %d of them again; at most %s of %s of memory, for a file of %s\n%s",
		c.kills, processes, len(times), again, fetch.Bytes(peak), fetch.Bytes(c.memory), fetch.Bytes(int64(len(content(t, filepath.Join(dir, "in.csv"))))), errs)
}

// logLines returns the approximate number of lines of the log.
func logLines(dir string) int {
	info, err := os.Stat(filepath.Join(dir, "killed.log"))
	if err != nil {
		return 0 // it is not there yet
	}
	return int(info.Size() / 24)
}

func content(t *testing.T, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
