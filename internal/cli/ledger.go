package cli

import (
	"bufio"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// defaultLedger returns the default directory for answers.
func defaultLedger() (string, error) {
	dir, err := cachedir.Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "ledger"), nil
}

// ledgerFlags select a ledger and answers in it.
type ledgerFlags struct{ dir, function, model, older string }

func (a *app) ledger() *cobra.Command {
	var f ledgerFlags
	c := &cobra.Command{
		Use:   "ledger",
		Short: "List, export and delete kept answers",
		Long: `'firesteel run' keeps each answer in a ledger, a directory. A later call of the
same function with the same prompt, model and arguments takes its answer from
there, so that nothing is computed or paid for twice. The ledger holds the answer
and a hash of the question, not the input itself.

The default ledger is $FIRESTEEL_CACHE/ledger; --ledger names another directory.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := c.PersistentFlags()
	flags.StringVar(&f.dir, "ledger", "", "directory of the ledger")
	flags.StringVar(&f.function, "function", "", "only answers of this function")
	flags.StringVar(&f.model, "model", "", "only answers of models whose name contains this")
	flags.StringVar(&f.older, "older-than", "", "only answers that are at least this old: 90d, 12h")
	output, overwrite := "", false
	export := &cobra.Command{
		Use:     "export",
		Short:   "Write answers as JSON lines",
		Example: "  firesteel ledger export -o answers.jsonl\n  firesteel ledger export --function ai_classify",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return a.exportLedger(f, output, overwrite) },
	}
	export.Flags().StringVarP(&output, "output", "o", "", "file to write (default: standard output)")
	export.Flags().BoolVar(&overwrite, "overwrite", false, overwriteUsage)
	all := false
	drop := &cobra.Command{
		Use:     "drop",
		Short:   "Delete answers",
		Example: "  firesteel ledger drop --older-than 90d\n  firesteel ledger drop --model smollm2\n  firesteel ledger drop --all",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if all == (f.function != "" || f.model != "" || f.older != "") {
				return fmt.Errorf("%w: select the answers to drop by --function, --model and --older-than, or drop all by --all", errUsage)
			}
			return a.dropFromLedger(c, f)
		},
	}
	drop.Flags().BoolVar(&all, "all", false, "drop all answers")
	c.AddCommand(
		&cobra.Command{
			Use:     "list",
			Short:   "Count answers by function and model",
			Example: "  firesteel ledger list\n  firesteel ledger list --older-than 90d",
			Args:    noArgs,
			RunE:    func(*cobra.Command, []string) error { return a.listLedger(f) },
		}, export, drop)
	return c
}

// chosen returns the directory and a filter of its answers.
func (f *ledgerFlags) chosen() (dir string, match func(ledger.Entry) bool, err error) {
	if dir = f.dir; dir == "" {
		if dir, err = defaultLedger(); err != nil {
			return "", nil, err
		}
	}
	var before time.Time
	if f.older != "" {
		age, err := parseAge(f.older)
		if err != nil {
			return "", nil, fmt.Errorf("%w: --older-than: %w", errUsage, err)
		}
		before = time.Now().Add(-age)
	}
	function := strings.TrimPrefix(strings.ToLower(strings.TrimSuffix(f.function, "()")), "try_")
	model := strings.ToLower(f.model)
	return dir, func(e ledger.Entry) bool {
		return (function == "" || e.Function == function) &&
			strings.Contains(strings.ToLower(e.Model), model) &&
			(before.IsZero() || !e.Time.After(before))
	}, nil
}

// parseAge parses a duration, which may be in days.
func parseAge(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		d = time.Duration(n * 24 * float64(time.Hour))
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration; write 90d, 12h or 30m", s)
	}
	return d, nil
}

// explainLedger adds a hint to the error of a ledger that does not exist.
func explainLedger(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; 'firesteel run' creates a ledger, and --ledger names another", err)
	}
	return err
}

func (a *app) listLedger(f ledgerFlags) error {
	dir, match, err := f.chosen()
	if err != nil {
		return err
	}
	type group struct{ function, model string }
	type sum struct {
		group
		answers        int
		bytes          int64
		oldest, newest time.Time
	}
	sums := map[group]*sum{}
	err = ledger.Walk(dir, func(e ledger.Entry) error {
		if !match(e) {
			return nil
		}
		g := group{e.Function, e.Model}
		s := sums[g]
		if s == nil {
			s = &sum{group: g, oldest: e.Time, newest: e.Time}
			sums[g] = s
		}
		s.answers++
		s.bytes += int64(len(e.Answer))
		if e.Time.Before(s.oldest) {
			s.oldest = e.Time
		}
		if e.Time.After(s.newest) {
			s.newest = e.Time
		}
		return nil
	})
	if err != nil {
		return explainLedger(err)
	}
	all := make([]*sum, 0, len(sums))
	for _, s := range sums {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y *sum) int {
		return cmp.Or(cmp.Compare(x.function, y.function), cmp.Compare(x.model, y.model))
	})
	w := tabwriter.NewWriter(a.out, 0, 4, 3, ' ', 0)
	fmt.Fprintln(w, "FUNCTION\tMODEL\tANSWERS\tSIZE\tOLDEST\tNEWEST")
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", s.function, s.model, s.answers, fetch.Bytes(s.bytes),
			s.oldest.Format(time.DateOnly), s.newest.Format(time.DateOnly))
	}
	return w.Flush()
}

// exported is a line of an export.
type exported struct {
	Key      string          `json:"key"`
	Time     time.Time       `json:"time"`
	Function string          `json:"function"`
	Model    string          `json:"model"`
	Answer   json.RawMessage `json:"answer"`
}

func (a *app) exportLedger(f ledgerFlags, output string, overwrite bool) error {
	dir, match, err := f.chosen()
	if err != nil {
		return err
	}
	if output == "" || output == "-" {
		return writeAnswers(a.out, dir, match)
	}
	// Only the owner can read answers, as in the ledger.
	file, err := createFile("--output", output, atomicfile.Options{Overwrite: overwrite, Inputs: []string{dir}, Private: true})
	if err != nil {
		return err
	}
	defer file.Abort()
	if err := writeAnswers(file, dir, match); err != nil {
		return err
	}
	return overwriteHint(file.Commit())
}

// writeAnswers writes the matching answers of a ledger as JSON lines.
func writeAnswers(to io.Writer, dir string, match func(ledger.Entry) bool) error {
	w := bufio.NewWriter(to)
	err := ledger.Walk(dir, func(e ledger.Entry) error {
		if !match(e) {
			return nil
		}
		line, err := json.Marshal(exported{hex.EncodeToString(e.Key[:]), e.Time, e.Function, e.Model, e.Answer})
		if err != nil {
			return fmt.Errorf("the answer %x: %w", e.Key, err)
		}
		_, err = w.Write(append(line, '\n'))
		return err
	})
	return errors.Join(explainLedger(err), w.Flush())
}

func (a *app) dropFromLedger(c *cobra.Command, f ledgerFlags) error {
	dir, match, err := f.chosen()
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop()
	dropped, err := ledger.Drop(ctx, dir, match)
	if dropped > 0 || err == nil {
		fmt.Fprintf(a.out, "%d answers dropped from %s\n", dropped, dir)
	}
	return explainLedger(err)
}
