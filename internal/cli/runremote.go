package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/onspark"
	"github.com/firesteel/firesteel/internal/lineage"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

// runRemote runs a job on Spark. Input and output are tables, or paths as Spark
// sees them.
func (a *app) runRemote(ctx context.Context, o runOptions) (err error) {
	if err := o.checkRemote(); err != nil {
		return err
	}
	spec := o.spec()
	if err := spec.Check(); err != nil {
		return specError(err)
	}
	session, err := a.connect(ctx, o.remote, o.ship)
	if err != nil {
		return err
	}
	defer session.Close()
	defer a.queries.end()
	// Expressions have the values that they have over files. Spark 3.5 stays without ANSI mode, which it knows in part only.
	settings := map[string]string{"spark.sql.session.timeZone": "UTC"}
	if !strings.HasPrefix(session.Version(), "3.") {
		settings["spark.sql.ansi.enabled"] = "true"
	}
	for key, value := range settings {
		if err := session.Conf().Set(ctx, key, value); err != nil {
			return err
		}
	}
	e := onspark.Executor{Session: session, Ledger: o.ledger}
	if e.In, err = o.remoteInput(session); err != nil {
		return err
	}
	plan, err := bindRemote(ctx, spec, e.In, o.input)
	if err != nil {
		return err
	}
	report, err := openReport(&o, o.ship.paths())
	if err != nil {
		return err
	}
	defer report.abort()
	e.Progress = func(p onspark.Progress) {
		a.queries.end()
		fmt.Fprintln(a.err, waveLine(p))
	}
	a.noteHidden(plan.Hidden)
	e.Write = o.remoteOutput
	asked, err := a.remoteModels(ctx, o.ship, plan.Asks())
	if err != nil {
		return err
	}
	for _, c := range plan.ModelCalls() {
		for _, m := range asked.infos(c.Asks()) {
			a.printAdvice(adviceText(c.Function, m))
		}
	}
	e.Asked = asked.infos
	var s job.Summary
	spanned, end := a.records.telemetry.Span(ctx, "firesteel job", attribute.String("db.system.name", "spark"))
	a.records.lineage.start(ctx, func() lineage.Run { return remoteLineage(&o, session, plan, asked) })
	defer func() {
		end(err, recordJob(ctx, a.records.telemetry, &s)...)
		a.records.lineage.end(ctx, err, &lineage.Written{Rows: s.Rows})
	}()
	s, err = e.Run(spanned, plan)
	a.queries.end()
	if err != nil {
		return ledgerHint(err)
	}
	if o.reportRows > 0 {
		if err := report.readRemote(ctx, session, &o); err != nil {
			return err
		}
	}
	a.printRemoteSummary(&o, s)
	if err := a.writeReport(report, runFacts{options: &o, plan: plan, models: asked, ledger: o.ledger}, s); err != nil {
		return err
	}
	return s.Err()
}

// bindRemote makes the plan over the columns of a table of Spark.
func bindRemote(ctx context.Context, spec job.Spec, in *spark.DataFrame, name string) (*job.Plan, error) {
	schema, err := onspark.Schema(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	plan, err := spec.Bind(schema)
	if err == nil {
		err = onspark.Check(plan)
	}
	return plan, specError(err)
}

// ledgerHint adds to the error of a path that is not a ledger how to name another.
func ledgerHint(err error) error {
	var wrong *onspark.LedgerError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%w; name another path by --ledger", err)
	}
	return err
}

// remoteModels describes the models that calls ask without opening them. A server
// does not give a digest, so its model is identified by its name.
func (a *app) remoteModels(ctx context.Context, f shipFlags, asks []ai.Ask) (askedModels, error) {
	set, err := f.set()
	if err != nil {
		return nil, err
	}
	o, err := f.modelOptions(fetch.NewProgress(a.err))
	if err != nil {
		return nil, err
	}
	var all askedModels
	for _, ask := range asks {
		with, _, err := set.WithDefault(ask.Role)
		if ask.Optional && errors.Is(err, llm.ErrNoModel) {
			continue // the calls do without it
		}
		if set = with; err != nil {
			return nil, err
		}
		for _, e := range entriesOf(set, ask) {
			m, err := models.Resolve(ctx, e.Reference, o)
			if err != nil {
				return nil, err
			}
			all = append(all, askedModel{ask, m.Info.Identified()})
		}
	}
	return all, nil
}

// checkRemote reports options that do not go with --remote.
func (o *runOptions) checkRemote() error {
	err := o.refuse([]refusal{
		{o.group != nil, "--group-by", "write GROUP BY in 'firesteel sql', as in SELECT k, ai_agg(text, '...') FROM t GROUP BY k"},
		{o.output == "" || o.output == "-", "--output is missing", "name a path as Spark sees it, or a table"},
		{o.output != "" && path.Clean(o.output) == path.Clean(o.input), "--output is the input", "write to another place"},
		{o.input == "-", "standard input", "put the data where Spark can read it"},
		{o.memory != "", "--memory", "Spark's own settings bound its executors"},
		{o.maxCost != nil, "--max-cost", onspark.ErrCostBudget.Error()},
		{o.badRows == "fail", "--bad-rows fail", "Spark reads as NULL what it cannot read"},
		{o.csvSafe, "--csv-safe", "Spark writes cells as they are; write the result here: 'firesteel run RESULT --csv-safe'"},
		{o.explain, "--explain", "estimate a file here: 'firesteel explain FILE'"},
	})
	if err != nil {
		return err
	}
	return o.check()
}

// refusal is an option, where it is given, that does not go with --remote.
type refusal struct {
	given      bool
	flag, hint string
}

// refuse reports the first of the refusals, or an option about files and cores here.
func (o *jobOptions) refuse(more []refusal) error {
	for _, c := range append(more,
		refusal{o.threads != 0, "--threads", "Spark's own settings say how many cores a task has"},
		refusal{len(o.types) > 0, "--type", "read all columns as text by --all-text, or read a table"},
		refusal{len(o.text.null) > 1, "a second --null", "Spark has one text for NULL"},
		refusal{o.text.skip > 0, "--skip", "Spark has no such option; remove the lines from the file"},
	) {
		if c.given {
			return usagef("with --remote, %s: %s", c.flag, c.hint)
		}
	}
	return nil
}

// waveLine is a line about a call of a job on Spark.
func waveLine(p onspark.Progress) string {
	line := fmt.Sprintf("%s: %d of %d distinct inputs", shortCell(terminal.InOneLine(p.Call)), p.Done, p.Distinct)
	if known := p.Done - p.Asked; known > 0 {
		line += fmt.Sprintf(" (%d not asked again)", known)
	}
	if p.Asked > 0 {
		line += fmt.Sprintf(", %.1f inputs/s", p.RowsPerSecond)
	}
	if p.Errors > 0 {
		line += fmt.Sprintf(", %d errors", p.Errors)
	}
	if p.Left > 0 {
		line += ", " + shortTime(p.Left.Round(time.Second)) + " left"
	}
	return line
}

func (a *app) printRemoteSummary(o *runOptions, s job.Summary) {
	printRows(a.err, s)
	fmt.Fprintf(a.err, "%d distinct inputs: %d asked in %d waves, %d from the ledger; %s, %.1f rows/s\n", s.Distinct(), s.Asked(), s.Waves, s.Kept, shortTime(s.Elapsed), s.RowsPerSecond)
	a.printProblems(o, s)
	fmt.Fprintln(a.err, "written:", o.output)
}
