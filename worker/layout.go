package worker

import (
	"fmt"
	"strconv"
	"strings"
)

// layout identifies a version of the init message and of the reply's timing
// section.
type layout int

const (
	layoutUnknown layout = iota
	layout35
	layout40
	layout41
	layout42
	layout43
)

// shape describes how the messages of a layout differ. wire_init.go lists all
// fields in order.
type shape struct {
	name           string
	framed         bool // START_OF_INIT_MESSAGE and a length come first
	contextJSON    bool // the task context is one JSON text
	barrierAlways  bool // a port and a secret follow the barrier flag even if it is false
	socketPaths    bool // a port of -1 means: a Unix socket's path follows, no secret
	namedArguments bool // a flag and, if it is set, a name follow each argument
	profiler       bool // the name of a profiler precedes the functions
	evalConf       bool // a second conf map follows the first
	resultID       bool // each function ends with the id of its profile
	processingTime bool // reply: the timing section has a fourth number
	groupStreams   bool // each group of an aggregate is a separate Arrow stream
}

// shapes is indexed by layout.
var shapes = [...]shape{
	layoutUnknown: {name: "unknown"},
	layout35:      {name: "3.5", barrierAlways: true},
	layout40:      {name: "4.0", barrierAlways: true, namedArguments: true, profiler: true},
	layout41:      {name: "4.1", socketPaths: true, namedArguments: true, profiler: true, groupStreams: true},
	layout42:      {name: "4.2", contextJSON: true, socketPaths: true, namedArguments: true, evalConf: true, resultID: true, processingTime: true, groupStreams: true},
	layout43:      {name: "4.3", framed: true, contextJSON: true, socketPaths: true, namedArguments: true, evalConf: true, resultID: true, processingTime: true, groupStreams: true},
}

func (l layout) String() string { return shapes[l].name }

// layoutOf returns the layout of a Spark version such as "4.3.0" or
// "4.1.0-SNAPSHOT". For a version after 4.3 it returns the layout of 4.3. If the
// layout has changed, the reader's error names the field.
func layoutOf(version string) (layout, error) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) >= 2 {
		major, err1 := strconv.Atoi(parts[0])
		minor, err2 := strconv.Atoi(parts[1])
		if err1 == nil && err2 == nil {
			switch {
			case major == 3 && minor == 5:
				return layout35, nil
			case major == 4 && minor == 0:
				return layout40, nil
			case major == 4 && minor == 1:
				return layout41, nil
			case major == 4 && minor == 2:
				return layout42, nil
			case major == 4 && minor > 2, major > 4:
				return layout43, nil
			}
			return layoutUnknown, fmt.Errorf("firesteel's worker supports Spark 3.5 and later; this is Spark %s", version)
		}
	}
	return layoutUnknown, fmt.Errorf("%q is not a Spark version (expected something like 4.3.0)", version)
}
