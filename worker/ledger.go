package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/asking"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/usage"
	"github.com/firesteel/firesteel/llm"
)

// This file connects tasks with the session's ledger: a directory that all
// executors share. Answers are found there before a model is asked, and each
// worker process writes its own files of answers and of usage.

// ledgers are the ledgers that this process has open, and its queries.
type ledgers struct {
	log    *slog.Logger
	models *archiveModels

	mu      sync.Mutex
	open    map[ledgerPlace]*openLedger
	queries map[queryKey]*query
}

type ledgerPlace struct{ dir, id string }

type queryKey struct {
	ledgerPlace
	id string
}

// openLedger is a ledger, or the error of opening it.
type openLedger struct {
	*ledger.Ledger
	claims    *ledger.Claims // nil if there are none
	err       error
	tried     time.Time
	refreshed time.Time
	told      sync.Once // that answers are not kept, or usage is not counted
}

// query is what this process has of one query: an action of a client, or a run of
// a stream.
type query struct {
	asker    *asking.Asker
	spending *asking.Spending
	tasks    int
	used     time.Time
}

const (
	// retryLedger is the time after which a ledger that could not be opened is
	// tried again.
	retryLedger = time.Minute
	// refreshEvery bounds how often a task looks for answers of other processes.
	refreshEvery = time.Second
	// forgetQuery is the time without tasks after which a query is forgotten. Its
	// usage stays in its file.
	forgetQuery = 10 * time.Minute
	// finishTime bounds how long the process waits at its end for answers that are
	// paid for.
	finishTime = 30 * time.Second
	// servedChunks bounds the chunks, of 16 rows, that are asked at a time where a
	// server answers: enough for all its requests at a time, and what is still paid
	// for after the end of a task.
	servedChunks = 8
	// failuresBytes bounds the errors of a query that are remembered.
	failuresBytes = 8 << 20
)

func newLedgers(log *slog.Logger, m *archiveModels) *ledgers {
	return &ledgers{log: log, models: m, open: map[ledgerPlace]*openLedger{}, queries: map[queryKey]*query{}}
}

// ledgerScope is the ledger of a task.
type ledgerScope struct {
	all     *ledgers
	options *bundle.Ledger
	query   string // empty if Spark does not tell
	session string

	once  sync.Once
	of    *query
	kept  *openLedger
	err   error // the task must fail: it has a budget that cannot be counted
	first bool
}

// scope returns the ledger of a task, or nil if its session has none.
func (l *ledgers) scope(options *bundle.Ledger, c taskContext) *ledgerScope {
	if options == nil {
		return nil
	}
	s := &ledgerScope{all: l, options: options}
	s.query, s.session = queryOf(c.Properties)
	return s
}

// operationTag is the tag by which Spark Connect marks the jobs of an operation.
var operationTag = regexp.MustCompile(`SparkConnect_(?:OperationTag|Execute)_User_.*_Session_([0-9A-Fa-f-]+)_(?:Operation|Request)_([0-9A-Za-z-]+)`)

// queryOf returns the query of a job and its session, from the job's local
// properties: a run of a stream, or an operation of Spark Connect.
func queryOf(properties map[string]string) (query, session string) {
	if m := operationTag.FindStringSubmatch(properties["spark.job.tags"]); m != nil {
		session, query = m[1], m[2]
	}
	switch {
	case properties["sql.streaming.queryId"] != "":
		// The group of a stream's jobs is the id of its run.
		query = properties["spark.jobGroup.id"]
		if query == "" {
			query = properties["sql.streaming.queryId"]
		}
	case query == "" && properties["spark.sql.execution.id"] != "":
		// Numbers of executions begin again with each driver.
		sum := sha256.Sum256([]byte(properties["spark.app.id"] + " " + properties["spark.sql.execution.id"]))
		query = hex.EncodeToString(sum[:16])
	}
	return query, session
}

func budgetOf(o *bundle.Ledger) job.Budget {
	return job.Budget{Rows: o.MaxRows, Tokens: o.MaxTokens, Cost: o.MaxCost, Time: o.MaxTime, Errors: o.MaxErrors, Sample: o.Sample}
}

// begin finds the query of the task. It sets s.of to nil if answers are neither
// kept nor counted.
func (s *ledgerScope) begin() {
	l := s.all
	l.mu.Lock()
	defer l.mu.Unlock()
	budget := budgetOf(s.options)
	s.kept = l.ledger(ledgerPlace{s.options.Dir, s.options.ID})
	if err := s.kept.err; err != nil {
		if budget != (job.Budget{}) {
			s.err = fmt.Errorf("a budget holds for all executors only if they share the directory of the ledger: %w", onHost(err))
		}
		return
	}
	key := queryKey{ledgerPlace{s.options.Dir, s.options.ID}, s.query}
	for k, q := range l.queries {
		if q.tasks == 0 && time.Since(q.used) > forgetQuery {
			delete(l.queries, k)
		}
	}
	q := l.queries[key]
	if q == nil {
		q = l.newQuery(s, budget)
		l.queries[key] = q
	}
	q.tasks++
	s.of = q
}

// ledger opens a ledger. The caller holds l.mu.
func (l *ledgers) ledger(at ledgerPlace) *openLedger {
	o := l.open[at]
	if o != nil && (o.err == nil || time.Since(o.tried) < retryLedger) {
		return o
	}
	if o == nil {
		o = &openLedger{}
		l.open[at] = o
	}
	o.tried = time.Now()
	o.Ledger, o.err = ledger.OpenShared(at.dir, at.id)
	o.refreshed = time.Now()
	if o.err == nil {
		var err error
		if o.claims, err = ledger.OpenClaims(at.dir); err != nil {
			o.claims = nil
			l.log.Error("equal rows may be asked on several executors", "error", onHost(err))
		}
	}
	if o.err != nil {
		o.told.Do(func() {
			l.log.Error("answers are not kept, and kept answers are not used", "error", onHost(o.err))
		})
	}
	return o
}

func onHost(err error) error {
	host, _ := os.Hostname() // "" if the system does not return it
	return fmt.Errorf("on the executor %s: %w", host, err)
}

func (l *ledgers) newQuery(s *ledgerScope, budget job.Budget) *query {
	kept := s.kept
	notKept := func(err error) {
		kept.told.Do(func() {
			l.log.Error("an answer could not be kept, or usage not be counted; the answers go out, but may be asked again", "error", onHost(err))
		})
	}
	q := &query{spending: asking.NewSpending(budget, job.Price{PromptPerMillion: s.options.PromptPrice, OutputPerMillion: s.options.OutputPrice})}
	if counted, err := usage.Open(s.options.Dir, s.query); err == nil {
		q.spending.Share(counted, s.session, notKept)
	} else {
		notKept(err)
		if budget != (job.Budget{}) {
			q.spending.Exhaust(&job.Spent{Reason: fmt.Sprintf("the budget cannot be counted: %v", err)})
		}
	}
	chunks := 4 * runtime.NumCPU()
	if l.models.served() {
		chunks = min(chunks, servedChunks)
	}
	q.asker = asking.New(l.models, q.spending, kept.Ledger, chunks, failuresBytes)
	q.asker.Claims, q.asker.NotKept = kept.claims, notKept
	q.asker.Finish = l.models.paid
	return q
}

// answer answers rows. asks are those of all rows of the call.
func (s *ledgerScope) answer(ctx context.Context, f *ai.Function, asks []ai.Ask, model ai.Source, first int64, rows []ai.Row) ([]ai.Answer, error) {
	s.once.Do(s.begin)
	if s.err != nil {
		return nil, s.err
	}
	if s.of == nil {
		return f.Eval(ctx, model, rows)
	}
	for _, ask := range asks { // opened before, as identities have the digests of models
		if ask.Any {
			continue
		}
		if _, err := model(ctx, ask.Role, ask.Name); err != nil && ctx.Err() != nil {
			return nil, err
		}
	}
	s.refresh()
	toAsk := ctx
	if limit := s.options.MaxTime; limit != nil {
		var cancel context.CancelFunc
		toAsk, cancel = context.WithDeadlineCause(ctx, s.of.spending.Begun().Add(*limit), budgetOf(s.options).TimeSpent())
		defer cancel()
	}
	answers, err := s.of.asker.Ask(ctx, toAsk, f, first, rows, func(int, error) {})
	var failed *asking.EvalError
	if errors.As(err, &failed) {
		err = failed.Err // the task adds the function
	}
	return answers, err
}

// refresh reads what other processes have written. The first batch of a task
// always does.
func (s *ledgerScope) refresh() {
	s.all.mu.Lock()
	due := !s.first || time.Since(s.kept.refreshed) >= refreshEvery
	if due {
		s.kept.refreshed = time.Now()
	}
	s.all.mu.Unlock()
	s.first = true
	if !due {
		return
	}
	if err := s.kept.Refresh(); err != nil {
		s.kept.told.Do(func() { s.all.log.Error("the ledger could not be read again", "error", onHost(err)) })
	}
}

// end publishes the usage of the task's query.
func (s *ledgerScope) end() {
	if s == nil || s.of == nil {
		return
	}
	s.of.spending.Flush()
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.of.tasks--
	s.of.used = time.Now()
}

// finish waits for answers that are paid for, for some time, and closes the
// ledgers.
func (l *ledgers) finish() {
	for deadline := time.Now().Add(finishTime); time.Now().Before(deadline) && l.asking(); {
		time.Sleep(20 * time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queries {
		q.spending.Flush()
	}
	for at, o := range l.open {
		if o.err != nil {
			continue
		}
		err := o.Close()
		if o.claims != nil {
			err = errors.Join(err, o.claims.Close())
		}
		if err != nil {
			l.log.Error("the ledger was not closed", "directory", at.dir, "error", err)
		}
	}
}

func (l *ledgers) asking() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queries {
		if q.asker.Counts().Asking > 0 {
			return true
		}
	}
	return false
}

// Source is get, so that archiveModels are asking.Models.
func (a *archiveModels) Source(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
	return a.get(ctx, role, name)
}

// Infos describes models that are open.
func (a *archiveModels) Infos(asks []ai.Ask) []llm.Info {
	all := make([]llm.Info, len(asks))
	for i, ask := range asks {
		if ask.Any {
			continue
		}
		m, err := a.find(ask.Role, ask.Name)
		if err != nil {
			continue
		}
		if opened := m.opened(); opened != nil {
			all[i] = opened.Info().Identified()
		}
	}
	return all
}

// served reports whether a model is behind a server.
func (a *archiveModels) served() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.all, func(m *sharedModel) bool { return m.spec.Endpoint != nil })
}

// paid reports whether a row asks a server, whose answers are paid for.
func (a *archiveModels) paid(f *ai.Function, row ai.Row) bool {
	for _, ask := range f.Asks(row) {
		if m, err := a.find(ask.Role, ask.Name); err == nil && m.spec.Endpoint != nil {
			return true
		}
	}
	return false
}
