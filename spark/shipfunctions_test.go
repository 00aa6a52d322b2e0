package spark

import (
	"slices"
	"testing"

	"github.com/firesteel/firesteel/ai"
)

// The AI functions are registered with a model, and without one by WithAIFunctions.
func TestRegisterAIFunctions(t *testing.T) {
	for _, functions := range []bool{false, true} {
		f := newFake(t)
		s, _ := f.start(t, "")
		s.config.ship.wanted = true
		if err := s.registerShipped(t.Context(), functions); err != nil {
			t.Fatal(err)
		}
		var registered []string
		for _, r := range f.requests {
			registered = append(registered, r.GetPlan().GetCommand().GetRegisterFunction().GetFunctionName())
		}
		for _, of := range ai.All() {
			if slices.Contains(registered, of.Name) != functions {
				t.Errorf("functions %t: %s in %v", functions, of.Name, registered)
			}
		}
	}
	c := config{}
	WithAIFunctions()(&c)
	if !c.ship.wanted || !c.ship.functions || c.ship.model != "" {
		t.Errorf("%+v", c.ship)
	}
	if set, err := c.ship.models(); err != nil || len(set) != 0 {
		t.Errorf("%v, %v", set, err)
	}
}
