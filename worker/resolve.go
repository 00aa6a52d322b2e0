package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/udf"
)

// newTask makes a task from an init message.
func (p *process) newTask(m *initMessage, log *slog.Logger) (*task, error) {
	planned, err := plan(m.functions, resolve)
	if p.python != nil && errors.Is(err, bundle.ErrForeign) && slices.ContainsFunc(m.functions, hasCommand) {
		return nil, errMixed
	}
	if err != nil {
		return nil, err
	}
	kind := evalKinds[m.evalType]
	for _, c := range planned {
		for _, f := range c.chain {
			if kindOf(f) != kind {
				return nil, fmt.Errorf("%s is %s, but Spark calls it as %s; client and worker may be of different versions", f.name(), kindOf(f), kind)
			}
		}
	}
	if m.evalType == windowAgg {
		return nil, fmt.Errorf("%s: an aggregate of a program cannot be used over a window (OVER); "+
			"group by the window's columns and join, or declare a udf.Func of a slice and call it with collect_list(...) OVER (...)", planned[0].last().name())
	}
	for _, c := range planned {
		if kind != udf.KindScalar && len(c.chain) != 1 || kind == udf.KindMap && len(planned) != 1 {
			return nil, fmt.Errorf("Spark calls several functions at once, one of which is %s; call that one alone", kind)
		}
	}
	of := m.context
	first := m.command()
	return &task{kind: kind, columns: planned, scope: scope{
		mem:     p.mem,
		log:     log,
		model:   p.models.get,
		info:    func() processInfo { return p.info(of) },
		install: p.install,
		results: columns.Types{LargeStrings: m.conf["spark.sql.execution.arrow.useLargeVarTypes"] == "true"},

		ledger:     p.ledgers.scope(first.Ledger, of),
		logContent: m.logContent(),
	}}, nil
}

// command returns the first firesteel command. All commands of a task are of one
// session and have its options.
func (m *initMessage) command() (c bundle.Command) {
	for _, call := range m.functions {
		for _, command := range call.commands {
			if c, err := bundle.DecodeCommand(command); err == nil {
				return c
			}
		}
	}
	return c
}

// logContent reports whether the session asks for content in logs and errors.
func (m *initMessage) logContent() bool {
	return m != nil && slices.ContainsFunc(m.functions, func(call functionCall) bool {
		return slices.ContainsFunc(call.commands, func(command []byte) bool {
			c, err := bundle.DecodeCommand(command)
			return err == nil && c.LogContent
		})
	})
}

// errorText returns the text of an error for the log and for Spark.
func (s *scope) errorText(err error) string { return errorText(err, s.logContent) }

func errorText(err error, content bool) string {
	if content {
		return sensitive.Shown(err)
	}
	return err.Error()
}

// errMixed reports a task that neither firesteel nor Python can compute alone.
var errMixed = errors.New("Spark would compute a firesteel function and a Python function of the same kind in one step; " +
	"compute one of them first, as in df.withColumn(...).localCheckpoint(), or make the Python function a plain udf instead of a pandas_udf or arrow_udf")

// hasCommand reports whether a call has a firesteel command.
func hasCommand(call functionCall) bool {
	return slices.ContainsFunc(call.commands, func(command []byte) bool {
		_, err := bundle.DecodeCommand(command)
		return !errors.Is(err, bundle.ErrForeign)
	})
}

// resolve returns the function that a command names.
func resolve(command []byte) (evaluator, error) {
	c, err := bundle.DecodeCommand(command)
	if errors.Is(err, bundle.ErrForeign) {
		return nil, fmt.Errorf("%w but a Python one: this session's Python executable is firesteel, which runs firesteel's functions only; %s", err, pythonAdvice)
	}
	if err != nil {
		return nil, err
	}
	if c.Kind == bundle.AI {
		f, err := ai.Lookup(c.Function)
		if err != nil {
			return nil, fmt.Errorf("%w in the program on the executor: client and worker are of different versions", err)
		}
		return &aiFunction{f: f}, nil
	}
	return lookupHost(c.Function)
}

// replyLayout returns the protocol layout of replies on this connection.
func (p *process) replyLayout(m *initMessage) layout {
	if m.framed {
		return max(p.layout, layout43)
	}
	return p.layout
}

// processInfo is the result of firesteel_worker_info: the process and the task
// that answer a row.
type processInfo struct {
	Host       string `json:"host"`
	PID        int    `json:"pid"`
	Spark      string `json:"spark"`
	Layout     string `json:"layout"`
	ModelLoads int    `json:"model_loads"`
	Tasks      int64  `json:"tasks"` // started in this process
	Stage      int    `json:"stage"`
	Partition  int    `json:"partition"`
	Attempt    int    `json:"attempt"`
	CPUs       int    `json:"cpus"` // of this task
}

func (p *process) info(t taskContext) processInfo {
	host, _ := os.Hostname() // "" if the system does not return it
	return processInfo{
		Host: host, PID: os.Getpid(), Spark: p.spark, Layout: p.layout.String(),
		ModelLoads: p.models.loads(), Tasks: p.tasks.Load(),
		Stage: t.Stage, Partition: t.Partition, Attempt: t.Attempt, CPUs: t.CPUs,
	}
}
