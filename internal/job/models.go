package job

import (
	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// ModelInfo describes the model that a row of a function's arguments asks. If no
// model has the name in the row, it describes the default model: the row gets an
// error whatever the model is.
func ModelInfo(m *models.Opened, f *ai.Function, row ai.Row) llm.Info {
	asked, err := m.Model(f.Asks(row))
	if err != nil {
		asked = m.Default()
	}
	return asked.Info().Identified()
}

// Identity returns what identifies the function's answer to a row; see
// ai.Function.Identity.
func Identity(m *models.Opened, f *ai.Function, row ai.Row) string {
	return f.Identity(ModelInfo(m, f, row), row)
}
