package job

import (
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// Infos describes the models that are asked, in order. If there is no such model,
// or if rows name it, its Info is zero.
func Infos(m *models.Opened, asks []ai.Ask) []llm.Info {
	all := make([]llm.Info, len(asks))
	for i, a := range asks {
		if asked, err := m.Model(a.Role, a.Name); err == nil && !a.Any {
			all[i] = asked.Info().Identified()
		}
	}
	return all
}

// Asked describes the models that a row of a function's arguments asks, in order.
// If there is no such model, its Info has no digest: the row gets an error, which
// is not stored.
func Asked(m *models.Opened, f *ai.Function, row ai.Row) []llm.Info {
	return Infos(m, f.Asks(row))
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
