package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/firesteel/firesteel/internal/procfs"
)

// job is the work that all contestants do.
type job struct {
	Name     string
	Unit     string // what is counted: rows or tokens
	Requests []request
	Embed    bool // compute vectors instead of answers
}

// request is one row of a job.
type request struct {
	Prefix string   `json:"prefix,omitempty"` // the beginning of all rows
	Text   string   `json:"text"`
	Labels []string `json:"labels,omitempty"` // to choose from; if empty, generate Max tokens
	Max    int      `json:"max"`
	Tokens int      `json:"tokens,omitempty"` // number of tokens of Text
}

// outcome is the result of a job.
type outcome struct {
	Units   int      `json:"units"`
	Answers []string `json:"answers"`
	Error   string   `json:"error,omitempty"`
}

// contestant does jobs in a separate process.
type contestant struct {
	name string
	do   func(context.Context, job) (outcome, error)
	// peak returns the maximum memory of the process so far, in bytes.
	peak func() (int64, error)
	stop func()
	pid  int
	// limit is the maximum number of rows of a job that the contestant does; 0 means all.
	limit int

	rates     map[string][]float64 // units per second by job and round
	coreRates map[string][]float64 // units per second of one core's time
	answers   map[string][]string  // of the last round
}

// errMissing is the reason why a contestant cannot run.
type errMissing string

func (e errMissing) Error() string { return string(e) }

// contest runs all jobs on all contestants in turn, in several rounds. It reports their rates and,
// for each pair, the ratio of the rates in each round.
func contest(ctx context.Context, s settings, jobs []job, starts []func(context.Context) (*contestant, error), pairs [][2]string) error {
	var all []*contestant
	for _, start := range starts {
		c, err := start(ctx)
		var missing errMissing
		if errors.As(err, &missing) {
			fmt.Println("not measured:", missing)
			continue
		}
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		defer c.stop()
		c.rates, c.coreRates, c.answers = map[string][]float64{}, map[string][]float64{}, map[string][]string{}
		all = append(all, c)
	}
	fmt.Printf("%s, %d threads, %d rounds in turn after a warm-up round\n\n", processor(), s.threads, s.rounds)
	before, _ := readClocks(all) // an error occurs again, and is reported, at the end
	for round := range s.rounds + 1 {
		for _, j := range jobs {
			for _, c := range all {
				if err := c.run(ctx, j, round > 0); err != nil {
					return fmt.Errorf("%s, %s: %w", c.name, j.Name, err)
				}
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d; so far %s\n", round, s.rounds, before.otherLoad(all))
	}
	report(os.Stdout, jobs, all, pairs)
	fmt.Printf("\n%s\n", before.otherLoad(all))
	return nil
}

// run does a job. If counts is false the rates are not recorded.
func (c *contestant) run(ctx context.Context, j job, counts bool) error {
	if c.limit > 0 && len(j.Requests) > c.limit {
		j.Requests = j.Requests[:c.limit]
	}
	before, err := procfs.Read(c.pid)
	if err != nil {
		return err
	}
	begin := time.Now()
	out, err := c.do(ctx, j)
	took := time.Since(begin)
	if err != nil {
		return err
	}
	after, err := procfs.Read(c.pid)
	if err != nil {
		return err
	}
	if len(out.Answers) != len(j.Requests) {
		return fmt.Errorf("%d answers to %d requests", len(out.Answers), len(j.Requests))
	}
	c.answers[j.Name] = out.Answers
	if counts {
		c.rates[j.Name] = append(c.rates[j.Name], float64(out.Units)/took.Seconds())
		c.coreRates[j.Name] = append(c.coreRates[j.Name], float64(out.Units)/max(after.Used-before.Used, procfs.Tick).Seconds())
	}
	return nil
}

func report(w io.Writer, jobs []job, all []*contestant, pairs [][2]string) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	for _, j := range jobs {
		fmt.Fprintf(t, "%s, per second\tbest\tmedian\tworst\tof one core\t\n", j.Name)
		for _, c := range all {
			rates := slices.Sorted(slices.Values(c.rates[j.Name]))
			fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t  %s\n", c.name, rates[len(rates)-1], median(rates), rates[0],
				median(slices.Sorted(slices.Values(c.coreRates[j.Name]))), j.Unit)
		}
		fmt.Fprintln(t, "\t\t\t\t\t")
		for _, pair := range pairs {
			a, b := find(all, pair[0]), find(all, pair[1])
			if a == nil || b == nil {
				continue
			}
			times, ofCore := ratios(a.rates[j.Name], b.rates[j.Name]), ratios(a.coreRates[j.Name], b.coreRates[j.Name])
			fmt.Fprintf(t, "%s : %s\t%.2f\t%.2f\t%.2f\t%.2f\t  times as fast; %s answers equal\n", a.name, b.name,
				times[len(times)-1], median(times), times[0], median(ofCore), equal(a.answers[j.Name], b.answers[j.Name]))
		}
		fmt.Fprintln(t, "\t\t\t\t\t")
	}
	fmt.Fprintln(t, "maximum memory\tMB\t\t\t\t")
	for _, c := range all {
		if bytes, err := c.peak(); err != nil {
			fmt.Fprintf(t, "%s\t%v\t\t\t\t\n", c.name, err)
		} else {
			fmt.Fprintf(t, "%s\t%d\t\t\t\t\n", c.name, bytes/1_000_000)
		}
	}
	t.Flush()
}

// ratios returns the ratios of rates of each round, sorted.
func ratios(a, b []float64) []float64 {
	all := make([]float64, len(a))
	for i := range all {
		all[i] = a[i] / b[i]
	}
	slices.Sort(all)
	return all
}

func find(all []*contestant, name string) *contestant {
	for _, c := range all {
		if c.name == name {
			return c
		}
	}
	return nil
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// equal counts the equal answers of those that both gave.
func equal(a, b []string) string {
	n, same := min(len(a), len(b)), 0
	for i := range n {
		if strings.TrimSpace(a[i]) == strings.TrimSpace(b[i]) {
			same++
		}
	}
	return fmt.Sprintf("%d of %d", same, n)
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return fmt.Sprintf("%s, %d cores", strings.TrimSpace(value), runtime.NumCPU())
		}
	}
	return fmt.Sprintf("%s, %d cores", runtime.GOARCH, runtime.NumCPU())
}
