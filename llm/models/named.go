package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// DefaultFor returns the reference of the default model of a role: a name of the
// catalogue. The error is a *NoDefaultError if the role has none.
//
// The model of such a reference is downloaded only if its licence allows any
// use; see LicenceError.
func DefaultFor(role llm.ModelRole) (Reference, error) {
	c, err := catalogue.Current()
	if err != nil {
		return Reference{}, fmt.Errorf("%w: %w", ErrReference, err)
	}
	e, ok := c.Default(role)
	if !ok {
		return Reference{}, &NoDefaultError{role}
	}
	return Reference{text: e.Name, entry: e, implied: true}, nil
}

// DefaultSet returns the models of a caller who names none: the default of the
// role llm.Text. Other roles have their defaults when they are asked.
func DefaultSet() (Set, error) {
	r, err := DefaultFor(llm.Text)
	if err != nil {
		return nil, err
	}
	return Set{{Names: []string{llm.DefaultModel}, Reference: r, Roles: r.roles()}}, nil
}

// NoDefaultError reports a role that has no default model.
type NoDefaultError struct{ Role llm.ModelRole }

func (e *NoDefaultError) Error() string {
	return fmt.Sprintf("there is no default model for the role %s; name one", e.Role)
}

// Is reports whether target is llm.ErrNoModel.
func (e *NoDefaultError) Is(target error) bool { return target == llm.ErrNoModel }

// DefaultError reports that the default model of a role cannot be opened, for
// example because it is not on this machine and cannot be downloaded.
type DefaultError struct {
	Role  llm.ModelRole
	Entry *catalogue.Entry
	Err   error
}

func (e *DefaultError) Error() string {
	return fmt.Sprintf("the default model of the role %s, %s: %v", e.Role, e.Entry.Name, e.Err)
}

func (e *DefaultError) Unwrap() error { return e.Err }

// Is reports whether target is llm.ErrNoModel and the policy of this process forbids the download.
func (e *DefaultError) Is(target error) bool {
	return target == llm.ErrNoModel && errors.Is(e.Err, egress.ErrRefused)
}

// ForDefault returns a *DefaultError if r is a name of the catalogue.
func ForDefault(role llm.ModelRole, r Reference, err error) error {
	if r.entry == nil || err == nil {
		return err
	}
	return &DefaultError{role, r.entry, err}
}

// LicenceError reports a default model whose licence does not allow any use. It
// is downloaded only for those who name it.
type LicenceError struct{ Entry *catalogue.Entry }

func (e *LicenceError) Error() string {
	return fmt.Sprintf("the default model %s has the licence %s, which does not allow any use; read the licence, and name the model to download it", e.Entry.Name, e.Entry.Licence.SPDX)
}

// Entry returns the entry of the catalogue whose name r is, or nil.
func (r Reference) Entry() *catalogue.Entry { return r.entry }

// roles returns the roles of a head, and of a model of the catalogue, which r
// names, or to one of whose sources it refers with or without a version. It is
// empty for others.
func (r Reference) roles() []llm.ModelRole {
	if _, ok := r.headPath(); ok {
		return []llm.ModelRole{llm.Predict}
	}
	if r.entry != nil {
		return r.entry.Roles
	}
	c, err := catalogue.Current()
	if err != nil {
		return nil
	}
	for _, name := range c.Names() {
		for _, source := range c.Models[name].Sources {
			if source == r.text || strings.HasPrefix(source, r.text+"==") || strings.HasPrefix(source, r.text+"@") {
				return c.Models[name].Roles
			}
		}
	}
	return nil
}

// Implied reports whether r comes from DefaultFor, and not from a text.
func (r Reference) Implied() bool { return r.implied }

// parseName returns the reference of a name of the catalogue. A text with a ':'
// or a separator of paths is no name.
func parseName(text string) (Reference, bool, error) {
	if strings.ContainsAny(text, `:/\~`) {
		return Reference{}, false, nil
	}
	c, err := catalogue.Current()
	if err != nil {
		return Reference{}, false, fmt.Errorf("%w: %w", ErrReference, err)
	}
	e, ok := c.Lookup(text)
	if !ok {
		return Reference{}, false, nil
	}
	for i, source := range e.Sources {
		if err := weights.CheckReference(source); err != nil {
			return Reference{}, false, fmt.Errorf("%w: %w", ErrReference, e.At("sources", fmt.Errorf("source %d: %w", i+1, err)))
		}
	}
	return Reference{text: text, entry: e}, true, nil
}

// find returns the files of a model. It downloads those of the first source that
// serves the expected files.
func (r Reference) find(ctx context.Context, o Options) (weights.Model, error) {
	if path, ok := r.headPath(); ok {
		return r.findHead(ctx, path)
	}
	if r.entry == nil {
		m, err := weights.Resolve(ctx, r.text, weights.Options{Progress: o.Progress})
		return m, withSuggestion(err, r.text)
	}
	e := r.entry
	w := r.options(true, o.Progress)
	m, err := r.local(ctx, w)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if r.implied && !e.Licence.Free() {
		return weights.Model{}, &LicenceError{e}
	}
	if o.Progress != nil && !egress.FromEnvironment().LocalOnly {
		o.Progress.Notice(r.notice())
	}
	w.Cached = false
	var failed []error
	for _, source := range e.Sources {
		m, err := weights.Resolve(ctx, source, w)
		if err == nil {
			return r.named(m), nil
		}
		if ctx.Err() != nil {
			return weights.Model{}, err
		}
		failed = append(failed, err)
	}
	return weights.Model{}, r.noSource(failed)
}

// withSuggestion adds similar names of the catalogue to the error of a file that
// does not exist.
func withSuggestion(err error, text string) error {
	if !errors.Is(err, ErrReference) || strings.ContainsAny(text, `:/\~`) {
		return err
	}
	c, broken := catalogue.Current()
	if broken != nil {
		return err
	}
	if names := c.Similar(text); len(names) > 0 {
		return fmt.Errorf("%w\n  The catalogue has %s", err, strings.Join(names, ", "))
	}
	return err
}

// noSource is the error of a model that no source served. failed has an error for
// each source.
func (r Reference) noSource(failed []error) error {
	for _, err := range failed {
		if !errors.Is(err, egress.ErrRefused) {
			return fmt.Errorf("no source has the model %s:\n%w", r.entry.Name, errors.Join(failed...))
		}
	}
	text := "\n  Download it on a machine where that is allowed, and copy"
	for i, source := range r.entry.Sources {
		if i > 0 {
			text += "\n  or"
		}
		text += " " + weights.Bring(source)
	}
	return fmt.Errorf("the model %s is not on this machine, and may not be downloaded: %w%s", r.entry.Name, egress.ErrRefused, text)
}

// local returns the model of an entry from the caches. The error is
// fs.ErrNotExist if it is not there.
func (r Reference) local(ctx context.Context, w weights.Options) (weights.Model, error) {
	var failed []error
	for _, source := range r.entry.Sources {
		m, err := weights.Resolve(ctx, source, w)
		if err == nil {
			return r.named(m), nil
		}
		var other *weights.ContentError
		if !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &other) {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return weights.Model{}, fmt.Errorf("model %s: %w", r.entry.Name, errors.Join(failed...))
	}
	return weights.Model{}, fmt.Errorf("%s is not on this machine: %w", r.entry.Name, fs.ErrNotExist)
}

// Local returns a model of the catalogue if it is on this machine. The error is
// fs.ErrNotExist if it is not there.
func Local(ctx context.Context, r Reference) (*Resolved, error) {
	if r.entry == nil {
		return nil, fmt.Errorf("%w: %q is not a name of the catalogue", ErrReference, r.text)
	}
	m, err := r.local(ctx, r.options(true, nil))
	if err != nil {
		return nil, err
	}
	return local(r, m), nil
}

// options returns the options to resolve a source of the entry.
func (r Reference) options(cached bool, progress Progress) weights.Options {
	w := weights.Options{Progress: progress, Cached: cached}
	for _, f := range r.entry.Files {
		w.Files = append(w.Files, weights.File(f))
	}
	return w
}

// notice says what is about to be downloaded.
func (r Reference) notice() string {
	e := r.entry
	text := "downloading " + e.Name
	if r.implied {
		text += ", a default model"
	}
	text += ": " + e.About
	if e.Size > 0 {
		text += ", " + fetch.Bytes(e.Size)
	}
	text += "; licence " + e.Licence.SPDX
	if e.Licence.URL != "" {
		text += ", " + e.Licence.URL
	}
	if e.Licence.Attribution != "" {
		text += "\n  " + e.Licence.Attribution
	}
	return text
}

// named gives a model the name of its entry.
func (r Reference) named(m weights.Model) weights.Model {
	m.Name, m.Note = r.entry.Name, ""
	return m
}
