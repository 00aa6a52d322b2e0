package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/udf"
	"github.com/firesteel/firesteel/worker/bundle"
)

// newTask plans what an init message asks for.
func (p *process) newTask(m *initMessage, log *slog.Logger) (*task, error) {
	planned, err := plan(m.functions, resolve)
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
	if kind == udf.KindMap && (len(planned) != 1 || len(planned[0].chain) != 1) {
		return nil, errors.New("Spark asks for several functions over the rows of one mapInArrow")
	}
	of := m.context
	return &task{kind: kind, columns: planned, scope: scope{
		mem:     p.mem,
		log:     log,
		model:   p.models.get,
		info:    func() processInfo { return p.info(of) },
		results: columns.Types{LargeStrings: m.conf["spark.sql.execution.arrow.useLargeVarTypes"] == "true"},
	}}, nil
}

// resolve finds the function that a command names.
func resolve(command []byte) (evaluator, error) {
	c, err := bundle.DecodeCommand(command)
	if errors.Is(err, bundle.ErrForeign) {
		return nil, errors.New("this is a Python function, but this session's Python executable is firesteel, " +
			"which runs firesteel's functions only; run Python functions in a session without firesteel")
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
	if f := builtin(c.Function); f != nil {
		return f, nil
	}
	return lookupHost(c.Function)
}

// replyLayout is the layout that Spark's side of this connection follows.
func (p *process) replyLayout(m *initMessage) layout {
	if m.framed {
		return max(p.layout, layout43)
	}
	return p.layout
}

// processInfo is what firesteel_worker_info tells about the process and the
// task that answer a row.
type processInfo struct {
	Host       string `json:"host"`
	PID        int    `json:"pid"`
	Spark      string `json:"spark"`
	Layout     string `json:"layout"`
	ModelLoads int    `json:"model_loads"`
	Tasks      int64  `json:"tasks"` // started in this process so far
	Stage      int    `json:"stage"`
	Partition  int    `json:"partition"`
	Attempt    int    `json:"attempt"`
	CPUs       int    `json:"cpus"` // of this task
}

func (p *process) info(t taskContext) processInfo {
	host, _ := os.Hostname() // "" where the system keeps it to itself
	return processInfo{
		Host: host, PID: os.Getpid(), Spark: p.spark, Layout: p.layout.String(),
		ModelLoads: p.models.loads(), Tasks: p.tasks.Load(),
		Stage: t.Stage, Partition: t.Partition, Attempt: t.Attempt, CPUs: t.CPUs,
	}
}
