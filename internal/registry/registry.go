// Package registry holds the functions of a program under their SQL names: the
// AI functions, the functions that the program declares, and those that it
// registers with the worker. One name belongs to one function, of any kind.
package registry

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Functions holds the functions of this program.
var Functions Registry

// Registry maps names to functions. SQL ignores the case of a function's name,
// and so does a Registry. The zero value is empty and ready for use. All methods
// and functions are safe for concurrent use.
type Registry struct {
	mu      sync.RWMutex
	entries map[string]Entry // by lower-case name
}

// Entry is a function under its name.
type Entry struct {
	Name     string
	Function any
}

// TakenError reports that a name belongs to another function.
type TakenError struct{ Name string }

func (e *TakenError) Error() string { return fmt.Sprintf("the function name %q is taken", e.Name) }

// Add adds all entries, or none: if a name is taken it returns a *TakenError.
func (r *Registry) Add(entries ...Entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range entries {
		same := func(other Entry) bool { return strings.EqualFold(other.Name, e.Name) }
		if _, taken := r.entries[strings.ToLower(e.Name)]; taken || slices.ContainsFunc(entries[:i], same) {
			return &TakenError{e.Name}
		}
	}
	if r.entries == nil {
		r.entries = map[string]Entry{}
	}
	for _, e := range entries {
		r.entries[strings.ToLower(e.Name)] = e
	}
	return nil
}

// Lookup returns the function of type F with the given name.
func Lookup[F any](r *Registry, name string) (F, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f, ok := r.entries[strings.ToLower(name)].Function.(F)
	return f, ok
}

// All returns the functions of type F in the order of their names.
func All[F any](r *Registry) []F {
	entries := list[F](r)
	functions := make([]F, len(entries))
	for i, e := range entries {
		functions[i] = e.Function.(F)
	}
	return functions
}

// Names returns the names of the functions of type F in order.
func Names[F any](r *Registry) []string {
	entries := list[F](r)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names
}

func list[F any](r *Registry) []Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var entries []Entry
	for _, e := range r.entries {
		if _, ok := e.Function.(F); ok {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}
