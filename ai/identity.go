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

// Identity returns a digest of everything that an answer depends on: the function,
// its version and those of its prompts, the digest and precision of the model, the
// version of the engine, and the arguments. The same identity means the same
// answer, so a ledger may store answers by it. It is empty if the digest of the
// model is unknown, or if JSON does not represent the arguments exactly.
//
// It is the SHA-256, in hex, of a JSON list: "firesteel answer 3", the name, a
// list of function or prompt and version, the digest, the precision, the engine,
// the types of the arguments, the arguments.
func (f *Function) Identity(model llm.Info, args Row) string {
	if model.Digest == "" {
		return ""
	}
	name := f.Name
	if f.Of != nil {
		name = f.Of.Name // the answers are the same
	}
	row := padRow(args, len(f.Params))
	typed := make([]string, len(row))
	for i, v := range row {
		typed[i] = fmt.Sprintf("%T", v)
	}
	text, err := json.Marshal([]any{"firesteel answer 3", name, f.Versions(), model.Digest, model.Precision, model.Engine, typed, row})
	// JSON has no NaN. For invalid UTF-8 it writes this character.
	if err != nil || bytes.Contains(text, []byte(`\ufffd`)) {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Asks returns the name of the model for a row of arguments: llm.DefaultModel,
// unless the function has a parameter for it.
func (f *Function) Asks(args Row) string {
	if f.NamesModel() && len(args) > 0 {
		if name, given := endpointOf(args); given {
			return name
		}
	}
	return llm.DefaultModel
}

// NamesModel reports whether the function has a parameter for the name of the
// model.
func (f *Function) NamesModel() bool { return f.Params[0].Name == endpointParam }

// endpointParam is the first parameter of functions that have a name of a model.
const endpointParam = "endpoint"

func endpointOf(args Row) (name string, given bool) {
	name, given = args[0].(string)
	return strings.TrimSpace(name), given
}

// Versions returns the function, as "name() version", and its prompts, each with
// its version.
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
