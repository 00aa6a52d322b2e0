package job

import (
	"context"
	"strings"
	"sync"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
)

// Models are those that a job asks.
type Models struct {
	// Model is asked unless another is named; it may be nil if nothing is to be
	// asked.
	Model llm.Model
	// Named gives the model that a row of ai_query names. Its error is an
	// *llm.UnknownModelError. Where it is nil there is Model alone, by its own name
	// and as "default".
	Named func(name string) (llm.Model, error)
}

// Find gives the model of a name.
func (m Models) Find(name string) (llm.Model, error) {
	if m.Named != nil {
		return m.Named(name)
	}
	own := m.Model.Info().Name
	if !strings.EqualFold(name, llm.DefaultModel) && !strings.EqualFold(name, own) {
		return nil, &llm.UnknownModelError{Name: name, Have: []string{llm.DefaultModel + " (" + own + ")"}}
	}
	return m.Model, nil
}

// Source is Find as functions take it.
func (m Models) Source(_ context.Context, name string) (llm.Model, error) { return m.Find(name) }

// info is of the model that a row asks. One that there is not is the row's
// error, whatever stands for it here.
func (m Models) Info(f *ai.Function, row ai.Row) llm.Info {
	asked, err := m.Find(f.Asks(row))
	if err != nil {
		asked = m.Model
	}
	info := asked.Info()
	// Within one job, a model is what its name says.
	if info.Digest == "" {
		info.Digest = "named " + info.Name
	}
	return info
}

// Identity is that of the function's answer to a row.
func (m Models) Identity(f *ai.Function, row ai.Row) string { return f.Identity(m.Info(f, row), row) }

// Through gives the models with something before each, made once for one that
// has several names.
func (m Models) Through(before func(llm.Model) llm.Model) Models {
	var mu sync.Mutex
	made := map[llm.Model]llm.Model{}
	once := func(of llm.Model) llm.Model {
		mu.Lock()
		defer mu.Unlock()
		if made[of] == nil {
			made[of] = before(of)
		}
		return made[of]
	}
	return Models{Model: once(m.Model), Named: func(name string) (llm.Model, error) {
		of, err := m.Find(name)
		if err != nil {
			return nil, err
		}
		return once(of), nil
	}}
}
