package ai

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// Identity names all that an answer depends on: the function, its version and
// those of its prompts, the model's weights and their precision, the engine's
// version, and the arguments. The same identity means the same answer; a ledger
// may keep answers under it. It is empty where the model's digest is unknown,
// and with it the model.
//
// It is the SHA-256, in hex, of a JSON list: "firesteel answer 3", the name,
// a list of function or prompt and version, the digest, the precision, the
// engine, the arguments' types, the arguments. Arguments that JSON cannot tell
// apart have none.
func (f *Function) Identity(model llm.Info, args Row) string {
	if model.Digest == "" {
		return ""
	}
	name := f.Name
	if f.Of != nil {
		name = f.Of.Name // it asks the same
	}
	row := full(args, len(f.Params))
	typed := make([]string, len(row))
	for i, v := range row {
		typed[i] = fmt.Sprintf("%T", v)
	}
	text, err := json.Marshal([]any{"firesteel answer 3", name, f.Versions(), model.Digest, model.Precision, model.Engine, typed, row})
	// JSON cannot hold NaN, and writes this for what is no UTF-8.
	if err != nil || bytes.Contains(text, []byte(`\ufffd`)) {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Asks names the model that a row of arguments is for: llm.DefaultModel, unless the
// function has one named.
func (f *Function) Asks(args Row) string {
	if f.NamesModel() && len(args) > 0 {
		if name, given := endpointOf(args); given {
			return name
		}
	}
	return llm.DefaultModel
}

// NamesModel tells whether rows name the model that they are for.
func (f *Function) NamesModel() bool { return f.Params[0].Name == endpointParam }

// endpointParam is the first parameter of functions that have a model named.
const endpointParam = "endpoint"

func endpointOf(args Row) (name string, given bool) {
	name, given = args[0].(string)
	return strings.TrimSpace(name), given
}

// Versions are f, as "name() version", and the prompts that it asks with, each
// with its version.
func (f *Function) Versions() []string {
	if f.Of != nil {
		f = f.Of
	}
	used := make([]string, len(f.Prompts))
	for i, name := range f.Prompts {
		used[i] = fmt.Sprintf("%s %d", name, prompts[name].version)
	}
	sort.Strings(used)
	return append([]string{fmt.Sprintf("%s() %d", f.Name, f.Version+1)}, used...)
}
