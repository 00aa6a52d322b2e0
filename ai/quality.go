package ai

import (
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// Advice says that a model was measured to be poor at a function, and names a
// better one.
type Advice struct {
	Function string
	Model    catalogue.Measured // the model that is poor
	// Better is the model to take instead; its Entry is nil if no better one was
	// measured.
	Better catalogue.Measured
	// Role is the role that Better has for the function.
	Role llm.ModelRole

	need catalogue.Need
}

// Advise returns the advice on a model for a function. It is nil if the model is
// good enough, or if the catalogue has no figure for it: a model is recognized by
// its digest.
func Advise(f *Function, model llm.Info) *Advice {
	c, err := catalogue.Current()
	if err != nil {
		c = catalogue.Embedded()
	}
	e, ok := c.ByDigest(model.Digest)
	if !ok {
		return nil
	}
	name := f.base().Name
	figure, ok := c.Figure(e, name)
	if !ok || c.Enough(figure) {
		return nil
	}
	a := &Advice{Function: name, Model: catalogue.Measured{Entry: e, Figure: figure}, need: c.Need(name)}
	for _, role := range f.base().roles() {
		if !e.Has(role) {
			continue
		}
		if a.Better, ok = c.Better(figure, role); ok {
			a.Role = role
			break
		}
	}
	return a
}

// String says what was measured, and which model to take instead.
func (a *Advice) String() string {
	text := fmt.Sprintf("%s is not good enough for %s: its %s is %s on %s, and %s is needed", a.Model.Entry.Name, a.Function,
		a.need.Metric, catalogue.FigureText(a.Model.Figure.Value), a.Model.Figure.Data, catalogue.FigureText(a.need.Enough))
	if a.Better.Entry == nil {
		return text + "; no better model has been measured"
	}
	return fmt.Sprintf("%s; %s (%s) has %s", text, a.Better.Entry.Name, a.Better.Entry.SizeText(), catalogue.FigureText(a.Better.Figure.Value))
}

const (
	notMeasured = "Not measured."
	noModel     = "It asks no model."
)

// Models describes the models that were measured to be good enough for a
// function, and the others that were measured.
func Models(f *Function) string {
	name := f.base().Name
	c := catalogue.Embedded()
	need := c.Need(name)
	switch {
	case f.WithoutModel():
		return noModel
	case f.base().exact:
		return "Every model: the answer is exact."
	case need.Metric == "":
		return notMeasured
	}
	var good, poor []string
	for _, m := range c.For(name, "") {
		text := fmt.Sprintf("%s %s", m.Entry.Name, catalogue.FigureText(m.Figure.Value))
		if c.Enough(m.Figure) {
			good = append(good, text)
		} else {
			poor = append(poor, text)
		}
	}
	measured := fmt.Sprintf("by %s, of which %s is enough", need.Metric, catalogue.FigureText(need.Enough))
	switch {
	case len(good)+len(poor) == 0:
		return notMeasured
	case len(good) == 0:
		return fmt.Sprintf("No measured model is good enough (%s): %s.", measured, strings.Join(poor, ", "))
	case len(poor) == 0:
		return fmt.Sprintf("%s (%s).", strings.Join(good, ", "), measured)
	}
	return fmt.Sprintf("%s (%s). Not good enough: %s.", strings.Join(good, ", "), measured, strings.Join(poor, ", "))
}

// WithoutModel reports whether no call of the function asks a model.
func (f *Function) WithoutModel() bool {
	return f.asks != nil && len(f.Asks(nil)) == 0
}

// base returns the function that a try_ function calls, and f for others.
func (f *Function) base() *Function {
	if f.Of != nil {
		return f.Of
	}
	return f
}

// roles lists the roles of the models that a call with the arguments of Sample asks.
func (f *Function) roles() []llm.ModelRole {
	var roles []llm.ModelRole
	for _, a := range f.Asks(f.Sample) {
		roles = append(roles, a.Role)
	}
	return roles
}
