package ai

import "github.com/firesteel/firesteel/llm"

// Ask is a model that a call asks.
type Ask struct {
	Role llm.ModelRole
	// Name is the name of a model. An empty Name is the default model of the role.
	Name string
	// Any means that each row names the model, and Name is empty because the names may differ.
	Any bool
	// Optional means that a call is answered without the model if the session has none of the role
	// and may not download one. See llm.ErrNoModel.
	Optional bool
}

// Asks returns the models that a call may ask, or nil if rules answer it. fixed holds the arguments
// that are equal in all rows, and nil for others.
func (f *Function) Asks(fixed Row) []Ask {
	if f.asks == nil {
		return []Ask{{Role: llm.Text}}
	}
	return f.asks(padRow(fixed, len(f.Params)))
}

// asksNone is Function.asks of a function that never asks a model.
func asksNone(Row) []Ask { return nil }
