package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

// This file estimates what statements ask: a query runs twice with a budget of a few rows, and its
// result is dropped. Spark counts the rows that reach each call, and the rows that are asked show tokens
// and time.

// sqlEstimate are the flags of firesteel sql --explain.
type sqlEstimate struct {
	on     bool
	sample int
}

func (e *sqlEstimate) add(c *cobra.Command) {
	c.Flags().BoolVar(&e.on, "explain", false, "do not run queries; estimate the rows, tokens, time and price of their AI calls, from a sample whose answers stay in the --ledger")
	c.Flags().IntVar(&e.sample, "sample", 32, "rows that each executor asks about, for each function in each of two rounds of --explain")
}

// apply checks the flags, and bounds each query by the sample.
func (e *sqlEstimate) apply(f *sqlFlags) error {
	l := &f.ledger
	switch {
	case !e.on:
		return nil
	case e.sample < 1:
		return usagef("--sample must be at least 1")
	case l.dir == "":
		return usagef("--explain needs --ledger with a directory that all executors share: they count rows there, and keep the answers of the sample")
	case l.maxRows != nil || l.maxTokens != nil || l.maxCost != nil || l.maxTime != nil || l.maxErrors != nil:
		return usagef("--explain has no budgets: --sample bounds what it asks")
	case f.output != "" || f.format != "":
		return usagef("--explain writes no results; remove --output and --format")
	}
	n := int64(e.sample)
	l.sample = &n
	return nil
}

// sessionWords begin statements that change the session only. --explain runs them, because other
// statements may need them.
var sessionWords = []string{"SET", "RESET", "USE", "DECLARE", "ADD", "REFRESH"}

// estimated returns the query in a statement that --explain runs, or a reason why there is none.
// changes means that the statement itself is run: it changes the session only.
func estimated(statement string) (query string, changes bool, reason string) {
	words := sqlscript.Words(statement, 4)
	if len(words) == 0 {
		return "", false, "it is empty"
	}
	switch words[0] {
	case "(", "SELECT", "WITH", "FROM", "VALUES", "TABLE":
		return statement, false, ""
	case "BEGIN":
		return "", false, "a block is not estimated: estimate its queries one by one"
	case "INSERT", "CREATE", "REPLACE", "CACHE":
		if slices.Contains(words, "TEMP") || slices.Contains(words, "TEMPORARY") {
			return "", true, ""
		}
		if query := queryIn(statement); query != "" && !slices.Contains(words, "VIEW") && !slices.Contains(words, "FUNCTION") {
			return query, false, ""
		}
	}
	if slices.Contains(sessionWords, words[0]) {
		return "", true, ""
	}
	return "", false, "it was not run"
}

// queryIn returns the query at the end of INSERT and CREATE TABLE ... AS.
func queryIn(statement string) string {
	depth := 0
	for at := 0; at < len(statement); {
		t := sqlscript.Next(statement, at)
		at = t.End
		word := strings.ToUpper(statement[t.Start:t.End])
		switch {
		case word == "(":
			depth++
		case word == ")":
			depth--
		case depth == 0 && t.Kind == sqlscript.Word && (word == "SELECT" || word == "WITH" || word == "FROM"):
			return statement[t.Start:]
		}
	}
	return ""
}

// explain estimates a statement, and writes what it asks.
func (r *sqlRun) explain(ctx context.Context, statement string) error {
	defer r.queries.end()
	head := short(terminal.Printable(strings.Join(strings.Fields(statement), " ")), 100)
	query, changes, reason := estimated(statement)
	if changes {
		return r.run(ctx, statement)
	}
	fmt.Fprintln(r.out, head)
	if query == "" {
		fmt.Fprintf(r.out, "  %s\n", reason)
		return nil
	}
	df, err := r.session.SQL(ctx, query, arguments(query, r.flags.params)...)
	if err != nil {
		return err
	}
	plan, err := df.Explain(ctx, "simple")
	if err != nil {
		return err
	}
	steps := stepsOf(plan)
	if !slices.ContainsFunc(steps, func(s planStep) bool { return len(s.calls) > 0 }) {
		fmt.Fprintln(r.out, "  it calls no AI function")
		return nil
	}
	writeSteps(r.out, steps)
	var rounds [2]round
	for i := range rounds {
		begun := time.Now()
		if err := df.Write().Format("noop").Mode("overwrite").Save(ctx, ""); err != nil {
			return err
		}
		rounds[i].took = time.Since(begun)
		if rounds[i].uses, err = r.session.Usage(ctx); err != nil {
			return err
		}
	}
	price, err := r.flags.ledger.prices()
	if err != nil {
		return err
	}
	writeEstimate(r.out, steps, rounds, price, r.flags.ledger.price != "")
	return nil
}

// round is one run of a query with the budget of the sample.
type round struct {
	uses []spark.Usage
	took time.Duration
}

// planStep is a step of Spark's plan.
type planStep struct {
	text  string
	calls []string // AI functions that it calls
	// byAnswer means that the step keeps rows by an answer of a call.
	byAnswer bool
}

var (
	planCall   = regexp.MustCompile(`\b(?:try_)?(ai_[a-z_]+)\(`)
	planNumber = regexp.MustCompile(`#\d+L?`)
	planLead   = regexp.MustCompile(`^[\s:+\-*]*(?:\(\d+\) )?`)
)

// stepsOf reads the steps of a physical plan in the order in which rows pass them. It leaves out those
// that neither make, keep nor ask about rows.
func stepsOf(plan string) (steps []planStep) {
	var lines []string
	for line := range strings.Lines(plan) {
		if line = strings.TrimSpace(planNumber.ReplaceAllString(line, "")); line != "" && !strings.HasPrefix(line, "==") {
			lines = append(lines, planLead.ReplaceAllString(line, ""))
		}
	}
	slices.Reverse(lines)
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, " ")
		s := planStep{text: name}
		switch {
		case strings.HasPrefix(name, "ArrowEval") || strings.HasPrefix(name, "BatchEval"):
			for _, m := range planCall.FindAllStringSubmatch(rest, -1) {
				if !slices.Contains(s.calls, m[1]) {
					s.calls = append(s.calls, m[1])
				}
			}
			if s.text = strings.Join(s.calls, ", "); len(s.calls) == 0 {
				continue
			}
		case name == "Filter" && strings.Contains(rest, "pythonUDF"):
			s.text, s.byAnswer = "filter by the answer", true
		case name == "Filter":
			s.text = "filter " + short(rest, 60)
		case strings.HasSuffix(name, "Join"), strings.HasSuffix(name, "Product"):
			s.text = "join"
		case strings.Contains(name, "Aggregate"):
			s.text = "aggregate"
		case strings.Contains(name, "Scan"), name == "Range", strings.Contains(name, "Relation"):
			s.text = "read " + short(rest, 40)
		case name == "Generate", strings.Contains(name, "Limit"), name == "Expand":
			s.text = strings.ToLower(name)
		default:
			continue
		}
		if n := len(steps); n > 0 && steps[n-1].text == s.text && len(s.calls) == 0 && !strings.HasPrefix(s.text, "read") {
			continue // two parts of one aggregate
		}
		steps = append(steps, s)
	}
	return steps
}

func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return text
}

func writeSteps(w io.Writer, steps []planStep) {
	for i, s := range steps {
		lead := "  steps  "
		if i > 0 {
			lead = "         "
		}
		fmt.Fprintf(w, "%s%d. %s\n", lead, i+1, terminal.Printable(s.text))
	}
}

// sifted returns the function whose answers decide which rows reach a function, or "".
func sifted(steps []planStep, function string) (by string) {
	last := ""
	for _, s := range steps {
		if slices.Contains(s.calls, function) {
			return by
		}
		switch {
		case len(s.calls) > 0:
			last = s.calls[len(s.calls)-1]
		case s.byAnswer:
			by = cmp.Or(last, by)
		}
	}
	return by
}

// place returns the step of a function.
func place(steps []planStep, function string) int {
	return slices.IndexFunc(steps, func(s planStep) bool { return slices.Contains(s.calls, function) })
}

// writeEstimate writes what the rest of a query asks.
func writeEstimate(w io.Writer, steps []planStep, rounds [2]round, price job.Price, priced bool) {
	seconds, cost := 0.0, 0.0
	second := map[string]spark.Usage{}
	asked, left := int64(0), 0.0
	for _, u := range rounds[1].uses {
		second[u.Function+" "+u.Model] = u
		asked += u.Asked
	}
	// passed returns the share of rows with an answer of a function that reach another one.
	passed := func(of string, rows int64) (share float64, answered int64) {
		for _, u := range rounds[1].uses {
			if u.Function == of {
				answered += u.Rows - u.Skipped
			}
		}
		return float64(rows) / float64(max(1, answered)), answered
	}
	uses := slices.SortedStableFunc(slices.Values(rounds[0].uses), func(a, b spark.Usage) int { return cmp.Compare(place(steps, a.Function), place(steps, b.Function)) })
	for _, first := range uses {
		u := second[first.Function+" "+first.Model]
		name := first.Function
		if first.Model != "" {
			name += " by " + first.Model
		}
		rows, rest := float64(u.Rows), float64(u.Skipped)
		about := ""
		if by := sifted(steps, u.Function); by != "" {
			if share, answered := passed(by, u.Rows); answered > 0 {
				for _, of := range rounds[1].uses {
					if of.Function == by {
						more := share * float64(of.Skipped)
						rows, rest = rows+more, rest+more
					}
				}
				about = fmt.Sprintf("about (%d of %d rows of the sample meet %s) ", u.Rows, answered, by)
			}
		}
		fmt.Fprintf(w, "  %s: %s%.0f rows, %.0f of them without an answer", name, about, rows, rest)
		if n := float64(first.Asked + u.Asked); n > 0 {
			prompt, output := float64(first.PromptTokens+u.PromptTokens)/n, float64(first.OutputTokens+u.OutputTokens)/n
			fmt.Fprintf(w, "; %.1f tokens of prompt and %.1f of answer a row, %.0f in all", prompt, output, rest*(prompt+output))
			of := price.Of(rest*prompt, rest*output)
			cost += of
			if priced {
				fmt.Fprintf(w, "; price %.4f", of)
			}
		}
		fmt.Fprintln(w)
		left += rest
	}
	switch {
	case left == 0:
		fmt.Fprintln(w, "  all answers are in the ledger now")
		return
	case asked > 0:
		seconds = rounds[1].took.Seconds() / float64(asked) * left
		fmt.Fprintf(w, "  about %s at the speed of the second round (%d rows in %.1fs)", shortTime(time.Duration(seconds*float64(time.Second))), asked, rounds[1].took.Seconds())
	default:
		fmt.Fprintf(w, "  the time is unknown: the second round asked nothing")
	}
	if priced {
		fmt.Fprintf(w, ", and a price of %.4f", cost)
	}
	fmt.Fprintln(w, "; equal rows are asked once, and may make it less")
}
