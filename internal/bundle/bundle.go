// Package bundle is what a client ships to Spark's executors and what the
// worker finds there: the layout of the archive, its manifest, and the command
// bytes that Spark carries, unread, from a registered function to the worker.
//
// The archive is unpacked by Spark as the folder Dir in a task's working
// directory:
//
//	firesteel/bin/firesteel      the worker: the client's own program, or a
//	                             script that runs the next one
//	firesteel/bin/firesteel-CPU  programs, where there are several
//	firesteel/manifest.json      Manifest
//	firesteel/model/NAME/FILE    a model, or
//	firesteel/model/NAME/FOLDER/...
//	                             its files; neither if Model.Place names them
package bundle

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

const (
	Dir          = "firesteel"
	Executable   = Dir + "/bin/firesteel"
	ManifestName = "manifest.json"
	ModelDir     = "model"
)

// Manifest says what an archive holds.
type Manifest struct {
	// Firesteel is the version of the program inside.
	Firesteel string `json:"firesteel"`
	// Spark is the server's version ("4.3.0"): it fixes the worker protocol.
	Spark string `json:"spark"`
	// Models of the session; the first is the one that functions ask unless
	// another is named.
	Models []Model `json:"models,omitempty"`
	// Python, if not nil, has the worker pass Python functions on.
	Python *Python `json:"python,omitempty"`
}

// Python is the interpreter that a session used before firesteel came to it.
type Python struct {
	// Executable is what the session's settings named; if empty it is
	// PYSPARK_PYTHON in the executor's environment, or else python3.
	Executable string `json:"executable,omitempty"`
}

// Model is a model of an archive: one file, or a folder of several.
type Model struct {
	// Aliases are the names by which queries ask for it, at least one, and in
	// the whole manifest no two alike but for case.
	Aliases []string `json:"aliases"`
	Ref     string   `json:"ref"`             // the reference the user gave
	Name    string   `json:"name"`            // as a person would name it
	File    string   `json:"file"`            // in Dir, file or folder
	Size    int64    `json:"size"`            // bytes, of all its files
	SHA256  string   `json:"sha256"`          // of several files see weights.Digest
	Files   []File   `json:"files,omitempty"` // of a folder
	// Precision is what the engine keeps its weights in; empty leaves it to it.
	Precision string `json:"precision,omitempty"`
	// Place is where executors find the model if the archive does not hold it:
	// the absolute path, or the http(s) address, of its file or folder.
	Place string `json:"place,omitempty"`
	// NodeCopy has a model at a path copied to each node's cache, as one at an
	// address always is.
	NodeCopy bool `json:"node_copy,omitempty"`
	// Endpoint, if not nil, says that Ref is that of a server, which executors
	// ask; there are no files then.
	Endpoint *Endpoint `json:"endpoint,omitempty"`
}

// Endpoint is how an executor may ask a server. Its key is never here: the
// reference names the variable or file that holds it on the executor.
type Endpoint struct {
	// RequestsPerMinute and TokensPerMinute are one executor's part of the
	// job's limits; 0 is no limit.
	RequestsPerMinute int `json:"requests_per_minute,omitempty"`
	TokensPerMinute   int `json:"tokens_per_minute,omitempty"`
	// AllowHosts and LocalOnly are the client's policy (see package outbound).
	AllowHosts []string `json:"allow_hosts,omitempty"`
	LocalOnly  bool     `json:"local_only,omitempty"`
}

// Dir is the model's folder, below ModelDir.
func (m *Model) Dir() string { return m.Aliases[0] }

// File is one file of a model.
type File struct {
	Name   string `json:"name"` // in the model's folder, with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Parts gives the files that make the model, each with its path from File on:
// for a model of one file that is empty.
func (m *Model) Parts() []File {
	if len(m.Files) > 0 {
		return m.Files
	}
	return []File{{"", m.Size, m.SHA256}}
}

// Kind says who evaluates a Command.
type Kind string

const (
	AI   Kind = "ai"   // a function of package ai, with the manifest's models
	Host Kind = "host" // a function that the program itself registered by name
)

// Command is the body of a registered function.
type Command struct {
	Kind     Kind   `json:"kind"`
	Function string `json:"function"`
	// LogContent has the worker's log and errors say what rows and answers say.
	LogContent bool `json:"log_content,omitempty"`
}

// Functions that every worker has, for measuring and for looking into it.
const (
	// Echo returns its one argument as STRING.
	Echo = "firesteel_echo"
	// Info returns a JSON object about the process that answers; its arguments,
	// if any, only say for which rows.
	Info = "firesteel_worker_info"
	// Install puts program and models of the archive into a folder of the node,
	// the node's cache if that is '', and gives an Installed as JSON. A second
	// argument only says for which rows.
	Install = "firesteel_install"
)

// Installed tells of a worker that has been installed on a node.
type Installed struct {
	Host string `json:"host"`
	// Executable is the path of the program.
	Executable string `json:"executable,omitempty"`
	Error      string `json:"error,omitempty"` // or why there is none
}

// Misled is what Python says if Spark has it run a command of ours.
const Misled = "firesteel: this function runs in the firesteel program, and Spark started Python for it. " +
	"The session's setting spark.sql.execution.pyspark.python is not what it was (RESET clears it), or Spark did not look at it. " +
	"To set it again: SET spark.sql.execution.pyspark.python=" + Executable

// magic heads the command bytes: a pickle, as Python workers get commands, that
// raises an error. The worker does not run it; its first bytes are of no
// function that PySpark pickles.
var magic = pickled("raise RuntimeError(" + strconv.Quote(Misled) + ")")

// pickled is a pickle of protocol 2 that runs a statement of Python.
func pickled(statement string) []byte {
	b := []byte("\x80\x02cbuiltins\nexec\n(X")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(statement)))
	return append(append(b, statement...), "tR."...)
}

// ErrForeign: the command is not ours (most likely a Python function's).
var ErrForeign = errors.New("this is no firesteel function")

// Encode gives the bytes that DecodeCommand reads.
func (c Command) Encode() []byte {
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and a truth always marshal
	}
	return append(bytes.Clone(magic), body...)
}

// DecodeCommand reads the bytes of a Command; they are not trusted.
func DecodeCommand(b []byte) (Command, error) {
	rest, ok := bytes.CutPrefix(b, magic)
	if !ok {
		return Command{}, ErrForeign
	}
	var c Command
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Command{}, fmt.Errorf("firesteel function's command: %w; client and worker may be of different versions", err)
	}
	if c.Kind != AI && c.Kind != Host {
		return Command{}, fmt.Errorf("firesteel function's command has the unknown kind %q", c.Kind)
	}
	return c, nil
}
