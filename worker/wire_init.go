package worker

// The fields of the init message. The columns mark the versions that have them.
//
//	field                                3.5  4.0  4.1  4.2  4.3
//	int START_OF_INIT_MESSAGE, length     -    -    -    -    x
//	int partition                         x    x    x    x    x
//	text Python version of the client     x    x    x    x    x
//	text task context, JSON               -    -    -    x    x
//	bool barrier                          x    x    x    -    -
//	  int port, text secret               x    x    (1)  -    -
//	int stage, partition, attempt         x    x    x    -    -
//	long task attempt id, int CPUs        x    x    x    -    -
//	int n, n resources (2)                x    x    x    -    -
//	int n, n local properties (3)         x    x    x    -    -
//	text folder of Spark's files          x    x    x    x    x
//	int n, n texts: Python includes       x    x    x    x    x
//	broadcast variables (4)               x    x    x    x    x
//	int eval type                         x    x    x    x    x
//	int n, n conf entries (3)             x    x    x    x    x
//	int n, n eval conf entries (3)        -    -    -    x    x
//	bool, if set text: profiler           -    x    x    -    -
//	int n, n functions (5)                x    x    x    x    x
//
//	(1) only with a barrier; a port of -1 is followed by a socket's path, and no secret
//	(2) text key, text name, int n, n texts: addresses
//	(3) text key, text value
//	(4) bool through a server, int n; if through a server: int port, text secret,
//	    or from 4.1 on int -1, text path; then n of: long id, and, if the id is
//	    not negative and there is no server, text path. A negative id means: drop
//	    the variable -id-1.
//	(5) int n, n arguments: int column, and from 4.0 on bool named, text name;
//	    int n, n texts: commands, innermost first; then a long, the profile's
//	    id: always from 4.2 on, in 4.0 and 4.1 if the profiler is perf or memory
//
// The fields from the conf on are those of the eval types in evalKinds. Other
// eval types have other fields; the reader refuses them at the eval type.

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/udf"
)

// evalKinds maps the eval types that this worker reads to the kinds of
// functions. Spark sends Arrow data to pandas functions, too.
var evalKinds = map[int]udf.Kind{
	200:       udf.KindScalar,    // scalar pandas functions, in every version
	250:       udf.KindScalar,    // scalar Arrow functions, from 4.1 on
	207:       udf.KindMap,       // mapInArrow, in every version
	202:       udf.KindAggregate, // pandas aggregates, in every version
	windowAgg: udf.KindAggregate, // refused later, by an error that names the function
}

// windowAgg is the eval type of pandas aggregates over windows.
const windowAgg = 203

var evalTypeNames = map[int]string{
	0: "an RDD function", 100: "a Python UDF", 101: "an Arrow-optimised Python UDF", 201: "applyInPandas",
	204: "a pandas iterator UDF", 205: "mapInPandas",
	206: "cogrouped applyInPandas", 208: "applyInPandasWithState", 209: "applyInArrow",
	210: "cogrouped applyInArrow", 211: "transformWithStateInPandas", 212: "transformWithStateInPandas",
	213: "transformWithState", 214: "transformWithState", 215: "applyInArrow over iterators",
	216: "applyInPandas over iterators", 217: "a pandas aggregate over iterators", 251: "an Arrow iterator UDF",
	252: "an Arrow aggregate", 253: "an Arrow window function", 254: "an Arrow aggregate over iterators",
	300: "a Python table function", 301: "an Arrow-optimised Python table function", 302: "an Arrow table function",
}

// pythonAdvice tells users where to run Python functions when firesteel is the
// session's Python executable.
const pythonAdvice = "run it in a session without firesteel, or attach firesteel to the session of your Python client ('firesteel attach')"

// Limits of an init message. They are far above the sizes that Spark sends.
// Memory for a length is allocated as its bytes arrive.
const (
	maxText  = 64 << 20  // bytes of a text: a local property may hold a whole SQL statement
	maxFrame = 256 << 20 // bytes of an init message
	maxItems = 10_000    // items of a list; worker.py has the same limit for conf entries
)

// initMessage describes a task.
type initMessage struct {
	framed        bool // from 4.3 on
	partition     int
	pythonVersion string
	context       taskContext
	evalType      int
	conf          map[string]string
	functions     []functionCall
}

type taskContext struct {
	Stage     int   `json:"stageId"`
	Partition int   `json:"partitionId"`
	Attempt   int   `json:"attemptNumber"`
	ID        int64 `json:"taskAttemptId"`
	CPUs      int   `json:"cpus"`
	// Properties are the local properties of the job.
	Properties map[string]string `json:"localProperties"`
}

// functionCall describes one result column: the first command takes the
// arguments, each later one the result of the command before it.
type functionCall struct {
	args     []argument
	commands [][]byte
}

type argument struct {
	column int    // of the input batches
	name   string // "" for a positional argument
}

// readInit reads an init message. It returns io.EOF if Spark closed the
// connection before the message began. With another error the message may be
// filled in part, for use in the log.
//
// readInit copies the bytes that it reads to raw. With an error these are not
// the whole message, unless the message was framed.
func readInit(r *bufio.Reader, l layout, raw *bytes.Buffer) (*initMessage, error) {
	m := &initMessage{}
	if _, err := r.Peek(1); err != nil {
		return m, io.EOF // closed or reset before a task began
	}
	d := &wireReader{r: io.TeeReader(r, raw)}
	first := d.int("first number")
	m.framed = d.err == nil && first == startOfInitMessage
	switch {
	case d.err != nil:
		return m, d.err
	case m.framed && l != layoutUnknown && !shapes[l].framed:
		return m, fmt.Errorf("message from Spark: it is framed as in Spark 4.3, but the archive's manifest says Spark %s: "+
			"the archive was made for another server; upload it from a session with this one", l)
	case m.framed:
		l = layout43
		body := d.bytes("init message", maxFrame)
		if d.err != nil {
			return m, d.err
		}
		d = &wireReader{r: bytes.NewReader(body)}
		m.partition = d.int("partition")
	case l == layoutUnknown:
		return m, errors.New("the version of the Spark that started this worker is unknown: the archive's manifest.json names none, " +
			"and PYTHONPATH has no spark-core jar; set \"spark\" in manifest.json to the server's version")
	case shapes[l].framed:
		return m, fmt.Errorf("message from Spark: it starts with %d, not with the frame (%d) of Spark 4.3: "+
			"the archive was made for another server; upload it from a session with this one", first, startOfInitMessage)
	default:
		m.partition = first
	}
	m.read(d, shapes[l])
	return m, d.err
}

func (m *initMessage) read(d *wireReader, s shape) {
	m.pythonVersion = d.text("Python version")
	if s.contextJSON {
		m.readContextJSON(d)
	} else {
		m.readContext(d, s)
	}
	d.text("folder of Spark's files")
	for range d.count("number of Python includes", maxItems) {
		d.text("Python include")
	}
	readBroadcasts(d, s)
	m.evalType = d.int("eval type")
	if _, served := evalKinds[m.evalType]; d.err == nil && !served {
		what := evalTypeNames[m.evalType]
		if what == "" {
			what = "an unknown kind of function"
		}
		d.err = fmt.Errorf("%w: this session's Python executable is firesteel, which runs only firesteel's functions; "+
			"this is %s (eval type %d); %s", bundle.ErrForeign, what, m.evalType, pythonAdvice)
		return
	}
	m.conf = readMap(d, "conf")
	if s.evalConf {
		readMap(d, "eval conf")
	}
	resultID := s.resultID
	if s.profiler && d.bool("profiler flag") {
		switch d.text("profiler") {
		case "perf", "memory":
			resultID = true
		}
	}
	for range d.count("number of functions", maxItems) {
		m.functions = append(m.functions, readFunction(d, s, resultID))
		if d.err != nil {
			return
		}
	}
}

func (m *initMessage) readContextJSON(d *wireReader) {
	text := d.bytes("task context", maxText)
	if d.err != nil {
		return
	}
	if err := json.Unmarshal(text, &m.context); err != nil {
		d.fail("task context", err)
	}
}

func (m *initMessage) readContext(d *wireReader, s shape) {
	if barrier := d.bool("barrier flag"); barrier || s.barrierAlways {
		readAddress(d, "barrier", s)
	}
	m.context.Stage = d.int("stage")
	m.context.Partition = d.int("partition of the task context")
	m.context.Attempt = d.int("attempt number")
	m.context.ID = d.long("task attempt id")
	m.context.CPUs = d.int("CPUs")
	for range d.count("number of resources", maxItems) {
		d.text("resource key")
		d.text("resource name")
		for range d.count("number of resource addresses", maxItems) {
			d.text("resource address")
		}
		if d.err != nil {
			return
		}
	}
	m.context.Properties = readMap(d, "local property")
}

// readAddress skips the address of a service of Spark.
func readAddress(d *wireReader, of string, s shape) {
	port := d.int(of + " port")
	if port == -1 && s.socketPaths {
		d.text(of + " socket")
		return
	}
	d.text(of + " secret")
}

// readBroadcasts skips broadcast variables, which no function of this worker
// uses. Variables behind a server cannot be skipped, because Spark waits until
// the worker fetches them.
func readBroadcasts(d *wireReader, s shape) {
	server := d.bool("broadcast flag")
	n := d.count("number of broadcast variables", maxItems)
	if server {
		readAddress(d, "broadcast", s)
		if d.err == nil {
			d.err = fmt.Errorf("%w: firesteel's functions take no broadcast variables, and these are encrypted "+
				"(spark.io.encryption.enabled): call the function without them", bundle.ErrForeign)
		}
		return
	}
	for range n {
		if id := d.long("broadcast id"); id >= 0 {
			d.text("broadcast path")
		}
		if d.err != nil {
			return
		}
	}
}

func readMap(d *wireReader, of string) map[string]string {
	m := map[string]string{}
	for range d.count("number of "+of+" entries", maxItems) {
		key := d.text(of + " key")
		m[key] = d.text(of + " value")
		if d.err != nil {
			break
		}
	}
	return m
}

func readFunction(d *wireReader, s shape, resultID bool) functionCall {
	var f functionCall
	for range d.count("number of arguments", maxItems) {
		a := argument{column: d.int("argument's column")}
		if s.namedArguments && d.bool("flag of a named argument") {
			a.name = d.text("argument's name")
		}
		f.args = append(f.args, a)
		if d.err != nil {
			return f
		}
	}
	for range d.count("number of chained commands", maxItems) {
		f.commands = append(f.commands, d.bytes("command", maxText))
		if d.err != nil {
			return f
		}
	}
	if resultID {
		d.long("result id")
	}
	return f
}
