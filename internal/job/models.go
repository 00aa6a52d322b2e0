package job

import (
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// Asked describes the models that a row of a function's arguments asks, in order.
// If there is no such model, its Info has no digest: the row gets an error, which
// is not stored.
func Asked(m *models.Opened, f *ai.Function, row ai.Row) []llm.Info {
	var all []llm.Info
	for _, a := range f.Asks(row) {
		var info llm.Info
		if asked, err := m.Model(a.Role, a.Name); err == nil {
			info = asked.Info().Identified()
		}
		all = append(all, info)
	}
	return all
}

// Identity returns what identifies the function's answer to a row; see
// ai.Function.Identity.
func Identity(m *models.Opened, f *ai.Function, row ai.Row) string {
	return f.Identity(Asked(m, f, row), row)
}

// Names lists the names of models in a text.
func Names(all []llm.Info) string {
	var names []string
	for _, m := range all {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	return strings.Join(names, ", ")
}
