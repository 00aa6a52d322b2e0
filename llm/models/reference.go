package models

import (
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// Default is the name of the default text model in the catalogue of this program:
// SmolLM2-135M-Instruct in 4 bits. The catalogue of a user may have another
// default: see DefaultFor.
const Default = "smollm2-135m"

// ErrReference is the class of errors about references: malformed ones, and
// those to files that do not exist.
var ErrReference = weights.ErrRef

// ErrEmpty reports an empty reference.
var ErrEmpty = errors.New("it is empty")

// Reference is a parsed reference to a model.
type Reference struct {
	text    string
	server  *endpoint.Reference // nil for files
	entry   *catalogue.Entry    // nil for other references than names of the catalogue
	implied bool                // from DefaultFor
}

// Parse parses a reference. It checks the form only: it reads no file, and
// connects to no server. Its errors wrap ErrReference.
func Parse(text string) (Reference, error) {
	if strings.TrimSpace(text) == "" {
		return Reference{}, fmt.Errorf("%w: %w", ErrReference, ErrEmpty)
	}
	if endpoint.IsReference(text) {
		server, err := endpoint.Parse(text)
		if err != nil {
			return Reference{}, fmt.Errorf("%w: %w", ErrReference, err)
		}
		return Reference{text: text, server: &server}, nil
	}
	if r, ok, err := parseName(text); ok || err != nil {
		return r, err
	}
	return Reference{text: text}, weights.CheckReference(text)
}

// String returns the text that was parsed.
func (r Reference) String() string { return r.text }

// Remote reports whether r refers to a model of a server.
func (r Reference) Remote() bool { return r.server != nil }

// Address returns the URL of the server, and "" for a model of files.
func (r Reference) Address() string {
	if r.server == nil {
		return ""
	}
	return r.server.Address()
}

// Check checks the options for a server, and that the policy of hosts allows
// connecting to it. It connects to no server. For files it returns nil.
func (r Reference) Check(o ServerOptions) error {
	if !r.Remote() {
		return nil
	}
	return endpoint.Check(r.text, o.endpoint())
}

// Downloaded reports whether the files of the model are downloaded, so that
// they can be downloaded again.
func (r Reference) Downloaded() bool {
	return r.entry != nil || weights.Downloaded(r.text)
}

// parts returns the parts of the reference by which a query may name the model.
func (r Reference) parts() []string {
	return strings.FieldsFunc(r.text, func(c rune) bool { return strings.ContainsRune("/:@#", c) })
}
