package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/lineage"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/sqlcalls"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/internal/version"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// lineageFlags say where OpenLineage events go.
type lineageFlags struct{ to, job string }

func (f *lineageFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.to, "lineage", "", "send OpenLineage events, which say what the columns were made of, to http://host:5000, or append them to a file")
	c.Flags().StringVar(&f.job, "lineage-job", "", "name of the job in these events (default: the command and the name of the output or script)")
}

// lineageWriter writes the events of runs. A nil *lineageWriter writes nothing.
type lineageWriter struct {
	*app
	to     *lineage.Sender
	job    string // of the flag
	parent *lineage.Parent
	run    *lineage.Run // the run that has begun
}

// openLineage returns a writer, and nil without --lineage.
func (a *app) openLineage(f lineageFlags) (*lineageWriter, error) {
	if f.to == "" {
		if f.job != "" {
			return nil, usagef("--lineage-job names the job in the events of --lineage")
		}
		return nil, nil
	}
	to, err := lineage.Open(f.to)
	if err != nil {
		return nil, usagef("--lineage: %w", err)
	}
	parent, err := lineage.ParentRun()
	if err != nil {
		return nil, usagef("--lineage: %w", err)
	}
	return &lineageWriter{app: a, to: to, job: f.job, parent: parent}, nil
}

// start writes that a run begins, unless one has begun.
func (l *lineageWriter) start(ctx context.Context, run func() lineage.Run) {
	if l == nil || l.run != nil {
		return
	}
	r := run()
	r.ID, r.Parent, r.Version = lineage.NewID(), l.parent, version.String()
	r.Job.Namespace, r.Job.Name = lineage.Namespace(), cmp.Or(l.job, r.Job.Name)
	l.run = &r
	l.send(ctx, lineage.Start, "")
}

// end writes how the run ended, if one has begun. written is nil if it is unknown.
func (l *lineageWriter) end(ctx context.Context, err error, written *lineage.Written) {
	if l == nil || l.run == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errSkipped):
		l.send(ctx, lineage.Abort, "")
	case err == nil || errors.Is(err, job.ErrIncomplete): // the output is complete, though rows have no answer
		for i := range l.run.Outputs {
			l.run.Outputs[i].Written = written
		}
		l.send(ctx, lineage.Complete, "")
	default:
		l.send(ctx, lineage.Fail, l.reason(err))
	}
	l.run = nil
}

// reason is the text of an error without content. Spark's messages quote values and statements.
func (l *lineageWriter) reason(err error) string {
	var e *spark.Error
	if errors.As(err, &e) && !l.logContent {
		return strings.TrimSpace("Spark reports an error " + e.Class)
	}
	return secret.Hide(l.message(err))
}

func (l *lineageWriter) send(ctx context.Context, kind, message string) {
	event, err := l.run.Event(kind, time.Now(), message)
	if err == nil {
		err = l.to.Send(ctx, event)
	}
	if err != nil {
		fmt.Fprintf(l.err, "--lineage: the event %s was not written: %s\n", kind, l.message(err))
	}
}

// lineage describes the run over files.
func (r *fileRun) lineage() lineage.Run {
	inputs := lineage.Files(r.options.arguments)
	schema := r.executor.In.Schema()
	var groups *lineage.Groups
	if g := r.groups; g != nil {
		schema = g.Input()
		groups = &lineage.Groups{Input: schema, Keys: g.Keys(), Where: g.Where()}
	}
	for i := range inputs {
		inputs[i].Fields = lineage.Fields(schema)
	}
	output := lineage.File(r.options.destination, "stdout")
	output.Fields = lineage.Fields(r.plan.Output)
	return lineage.Run{
		Job: lineage.Job{Name: "run." + filepath.Base(output.Name), Kind: "JOB"}, Engine: lineage.Engine{Name: "firesteel", Version: version.String()}, Inputs: inputs,
		Outputs:   []lineage.Output{{Dataset: output, Columns: lineage.OfPlan(r.plan, inputs, groups)}},
		Functions: lineage.FunctionsOf(r.plan, func(asks []ai.Ask) []llm.Info { return job.Infos(r.models, asks) }),
	}
}

// remoteLineage describes the run on Spark.
func remoteLineage(o *runOptions, s *spark.Session, plan *job.Plan, asked askedModels) lineage.Run {
	server, _, _ := strings.Cut(strings.TrimPrefix(o.remote, "sc://"), "/")
	name := func(name, given string, output bool) lineage.Dataset {
		format, _ := sparkFormat(name, given, output) // checked before
		return lineage.OnSpark(name, format != "", "sc://"+server)
	}
	in, out := name(o.input, o.text.format, false), name(o.output, o.outputFormat, true)
	in.Fields, out.Fields = lineage.Fields(plan.Input), lineage.Fields(plan.Output)
	return lineage.Run{
		Job: lineage.Job{Name: "run." + path.Base(out.Name), Kind: "JOB"}, Engine: lineage.Engine{Name: "Apache Spark", Version: s.Version()}, Inputs: []lineage.Dataset{in},
		Outputs:   []lineage.Output{{Dataset: out, Columns: lineage.OfPlan(plan, []lineage.Dataset{in}, nil)}},
		Functions: lineage.FunctionsOf(plan, asked.infos),
	}
}

// lineage describes a statement: its functions, but not the tables that it reads and writes, which only Spark knows.
func (r *sqlRun) lineage(ctx context.Context, statement string) lineage.Run {
	run := lineage.Run{
		Job: lineage.Job{Name: cmp.Or(r.job, "sql"), Kind: "COMMAND"}, Engine: lineage.Engine{Name: "Apache Spark", Version: r.session.Version()}, Functions: []lineage.Function{},
	}
	if isQuery(statement) {
		run.Job.Kind = "QUERY"
		if path := r.flags.output; path != "" && path != "-" {
			run.Outputs = []lineage.Output{{Dataset: lineage.File(path, "")}}
		}
	}
	if run.Job.SQL = sqlscript.WithoutLiterals(statement); r.logContent {
		run.Job.SQL = secret.Hide(statement)
	}
	known := map[string]bool{}
	sqlcalls.Find(statement, func(f *ai.Function, fixed ai.Row) {
		d := lineage.Describe(f, f.Asks(fixed), func(asks []ai.Ask) []llm.Info {
			asked, err := r.remoteModels(ctx, r.flags.ship, asks)
			if err != nil {
				return nil // Spark reports what is missing
			}
			return asked.infos(asks)
		})
		if key := fmt.Sprint(d); !known[key] {
			known[key] = true
			run.Functions = append(run.Functions, d)
		}
	})
	return run
}
