package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// askedModel is a model that the calls of a job ask.
type askedModel struct {
	ai.Ask
	info llm.Info
}

// askedModels are the models that the calls of a job ask. An Ask of Any has all
// models of its role.
type askedModels []askedModel

// infos describes the models of asks, in order.
func (all askedModels) infos(asks []ai.Ask) []llm.Info {
	var infos []llm.Info
	for _, ask := range asks {
		for _, m := range all {
			if m.Ask == ask {
				infos = append(infos, m.info)
			}
		}
	}
	return infos
}

// entriesOf returns the models of a set that a call may ask. It is empty if no
// model has the name, in which case the rows have errors.
func entriesOf(set models.Set, ask ai.Ask) []models.Entry {
	i := set.Default(ask.Role)
	switch {
	case ask.Any:
		return set
	case ask.Name != "":
		i, _ = set.Find(ask.Name)
	}
	if i < 0 {
		return nil
	}
	return set[i : i+1]
}

// modelLines describes the models that the job asks: role, name, size on disk and
// memory.
func (j *fileJob) modelLines(ctx context.Context) (lines []string) {
	o, _ := j.options.ship.modelOptions(nil) // openModels reports mistakes
	for _, ask := range j.plan.Asks() {
		for _, e := range entriesOf(j.models.Set(), ask) {
			if len(e.Roles) == 0 || !slices.Contains(e.Roles, ask.Role) {
				continue // not open, or not for these calls
			}
			line := fmt.Sprintf("%s: %s", ask.Role, cmp.Or(e.Title, e.Reference.String()))
			if e.Reference.Remote() {
				line += ", on a server"
			} else if size := modelSize(ctx, e.Reference, o); size > 0 {
				line += ", " + fetch.Bytes(size) + " on disk"
			}
			if memory := j.modelMemory[e.Reference.String()]; memory > 0 && !e.Reference.Remote() {
				line += ", " + fetch.Bytes(memory) + " of memory"
			}
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// hosts returns the addresses of the servers that the job asks. It is empty if all
// models run on this machine.
func (j *fileJob) hosts() string {
	var asked models.Set
	for _, ask := range j.plan.Asks() {
		asked = append(asked, entriesOf(j.models.Set(), ask)...)
	}
	addresses := asked.Addresses()
	slices.Sort(addresses)
	return strings.Join(slices.Compact(addresses), ", ")
}

// asked returns the models that the calls of the job ask and that are open, each
// once for a role.
func (j *fileJob) asked() askedModels {
	var all askedModels
	add := func(ask ai.Ask) {
		info := job.Infos(j.models, []ai.Ask{ask})[0]
		if info.Name != "" && !slices.ContainsFunc(all, func(m askedModel) bool { return m.Role == ask.Role && m.info.Name == info.Name }) {
			all = append(all, askedModel{ask, info})
		}
	}
	for _, ask := range j.plan.Asks() {
		if !ask.Any {
			add(ask)
			continue
		}
		for _, e := range j.models.Set() {
			add(ai.Ask{Role: ask.Role, Name: e.Names[0]})
		}
	}
	return all
}
