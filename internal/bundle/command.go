package bundle

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Kind is the kind of function that a Command calls.
type Kind string

const (
	AI   Kind = "ai"   // a function of package ai
	Host Kind = "host" // a function that the program registered
)

// Command identifies the function that the worker calls.
type Command struct {
	Kind     Kind   `json:"kind"`
	Function string `json:"function"`
	// LogContent allows the worker to quote rows and answers in its log and errors.
	LogContent bool `json:"log_content,omitempty"`
	// Ledger is nil if the session keeps no answers.
	Ledger *Ledger `json:"ledger,omitempty"`
}

// Functions of every worker, for measurements and diagnosis.
const (
	// Echo returns its one argument as STRING.
	Echo = "firesteel_echo"
	// Info returns a JSON object about the worker's process. Its arguments are
	// ignored: they bind the call to the rows of a table.
	Info = "firesteel_worker_info"
	// Install copies the archive's program and models to a folder of the node,
	// or to the node's cache if the folder is empty, and returns an Installed as
	// JSON. The second argument is ignored: it binds the call to the rows of a
	// table.
	Install = "firesteel_install"
)

// Installed is the result of Install on one node.
type Installed struct {
	Host string `json:"host"`
	// Executable is the path of the program.
	Executable string `json:"executable,omitempty"`
	Error      string `json:"error,omitempty"` // why the installation failed
}

// PythonMessage is the error that Python raises if Spark runs a command in Python
// instead of the worker.
const PythonMessage = "firesteel: this function runs in the firesteel program, but Spark started Python for it. " +
	"The session's setting spark.sql.execution.pyspark.python was changed (RESET clears it), or Spark ignored it. " +
	"To set it again: SET spark.sql.execution.pyspark.python=" + Executable

// magic is the prefix of command bytes: a pickle that raises PythonMessage, for
// the case that Spark passes the command to Python. The worker does not unpickle
// it. No function that PySpark pickles begins with these bytes.
var magic = pickled("raise RuntimeError(" + strconv.Quote(PythonMessage) + ")")

// pickled returns a pickle, protocol 2, that runs a Python statement.
func pickled(statement string) []byte {
	b := []byte("\x80\x02cbuiltins\nexec\n(X")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(statement)))
	return append(append(b, statement...), "tR."...)
}

// ErrForeign reports bytes that are not a command of firesteel; usually they are
// a Python function.
var ErrForeign = errors.New("this is not a firesteel function")

// Encode returns the bytes that DecodeCommand reads.
func (c Command) Encode() []byte {
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and booleans can always be encoded
	}
	return append(bytes.Clone(magic), body...)
}

// DecodeCommand decodes and checks the bytes of a Command.
func DecodeCommand(b []byte) (Command, error) {
	rest, ok := bytes.CutPrefix(b, magic)
	if !ok {
		return Command{}, ErrForeign
	}
	var c Command
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Command{}, fmt.Errorf("the command of a firesteel function: %w; client and worker may be of different versions", err)
	}
	if c.Kind != AI && c.Kind != Host {
		return Command{}, fmt.Errorf("the command of a firesteel function has the unknown kind %q; client and worker may be of different versions", c.Kind)
	}
	return c, nil
}
