package ai

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"

	"github.com/firesteel/firesteel/llm"
)

// Identity returns a digest of everything that an answer depends on: the function,
// its version and those of its prompts, the digests and precisions of the models
// and the versions of their engines, and the arguments. asked describes the
// models of Asks(args), in that order. The same identity means the same answer, so
// a ledger may store answers by it. It is empty if the digest of a model is
// unknown, unless the Ask is optional and there is no model, if JSON does not represent the arguments exactly,
// or if a key that the answer depends on is not here.
//
// It is the SHA-256, in hex, of a JSON list: "firesteel answer 4", the name, a
// list of function or prompt and version, a list of the digest, the precision and
// the engine of each model, the types of the arguments, the arguments, and an HMAC with the key of
// pseudonyms if the answer depends on it.
func (f *Function) Identity(asked []llm.Info, args Row) string {
	models := make([][]any, len(asked))
	asks := f.Asks(args)
	for i, m := range asked {
		if m.Digest == "" {
			if m.Name == "" && i < len(asks) && asks[i].Optional {
				continue // the call does without it
			}
			return ""
		}
		models[i] = []any{m.Digest, m.Precision, m.Engine}
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
	parts := []any{"firesteel answer 4", name, f.Versions(), models, typed, row}
	if f.Keyed(row, nil) {
		key, err := readPseudonymKey()
		if err != nil {
			return ""
		}
		parts = append(parts, key.identity())
	}
	text, err := json.Marshal(parts)
	// JSON has no NaN. For invalid UTF-8 it writes this character.
	if err != nil || bytes.Contains(text, []byte(`\ufffd`)) {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
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
