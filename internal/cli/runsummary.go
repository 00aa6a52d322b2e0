package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// printSummary prints the counts, rates and first errors of a run.
func (r *fileRun) printSummary(s job.Summary) {
	w := r.err
	printRows(w, s)
	if s.Calls > 0 {
		fmt.Fprintln(w, callCounts(s))
	}
	fmt.Fprintf(w, "%s, %.1f rows/s, %.0f tokens/s", shortTime(s.Elapsed), s.RowsPerSecond, s.TokensPerSecond)
	if peak := memoryPeak(); peak > 0 {
		fmt.Fprintf(w, ", at most %s of memory", fetch.Bytes(peak))
	}
	fmt.Fprintln(w)
	if text := r.estimate.compare(s); text != "" {
		fmt.Fprintln(w, text)
	}
	r.printProblems(r.options, s)
	if r.table && s.Rows == tableRows && r.options.limit == nil {
		fmt.Fprintf(w, "these are the first %d rows: --limit N shows more, -o FILE writes all\n", tableRows)
	}
	if r.options.output != "" && r.options.output != "-" {
		fmt.Fprintln(w, "written:", r.options.output)
	}
}

// printRows prints how the rows of a run ended.
func printRows(w io.Writer, s job.Summary) {
	fmt.Fprintf(w, "%d rows in = %d ok + %d null + %d error + %d skipped", s.Rows, s.OK, s.Null, s.Errors, s.Skipped)
	if s.LeftOut > 0 {
		fmt.Fprintf(w, "; %d left out", s.LeftOut)
	}
	fmt.Fprintln(w)
	if text := s.Unread.String(); text != "" {
		fmt.Fprintln(w, "not read, because no row meets the condition:", text)
	}
}

// callCounts is a line about how calls were answered.
func callCounts(s job.Summary) string {
	if s.ByRules == s.Calls {
		return fmt.Sprintf("%d calls: all by rules, without a model", s.Calls)
	}
	text := fmt.Sprintf("%d calls: %d asked, %d equal to another row's, %d from the ledger", s.Calls, s.Asked(), s.Equal, s.Kept)
	if s.ByRules > 0 {
		text += fmt.Sprintf(", %d by rules", s.ByRules)
	}
	if s.Refused > 0 {
		text += fmt.Sprintf(", %d refused by a budget", s.Refused)
	}
	if share := sentOn(s.Smaller, s.Larger); share != "" {
		text += ", " + share
	}
	text += fmt.Sprintf("; %d requests, %d tokens", s.Requests, s.PromptTokens+s.OutputTokens)
	if s.Cost > 0 {
		text += fmt.Sprintf(", cost %.4f", s.Cost)
	}
	return text
}

// shownErrors is the number of errors that a run prints.
const shownErrors = 3

// printProblems prints the first errors and the reasons of skipped rows.
func (a *app) printProblems(o *runOptions, s job.Summary) {
	left := s.Errors
	for _, e := range s.Examples[:min(len(s.Examples), shownErrors)] {
		text := a.message(e.Err)
		where := fmt.Sprintf("row %d", e.Row)
		if e.Row == 0 {
			where = fmt.Sprintf("%d rows", e.Rows)
		}
		fmt.Fprintf(a.err, "%s: %s%s\n", where, text, a.contentHint(text))
		left -= e.Rows
	}
	if left > 0 {
		hint := "--errors COLUMN adds a column with all of them"
		if o.errors != "" {
			hint = "see the column " + o.errors
		}
		fmt.Fprintf(a.err, "and %d more errors; %s\n", left, hint)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(a.err, "%d rows skipped: %s\n", s.Reasons[reason], reason)
	}
}

// sentOn says what share of the calls of a cascade the larger model was asked; it is empty without a cascade.
func sentOn(smaller, larger int64) string {
	if smaller+larger == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %% sent on to the larger model (%d of %d)", 100*float64(larger)/float64(smaller+larger), larger, smaller+larger)
}
