package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// openModel opens a model that this process asks: one that runs in it, or one of
// a server. Tests replace it.
var openModel = models.Open

// modelSize returns the size in bytes of the files of a model that is open, and 0
// if it has none. Tests replace it.
var modelSize = func(ctx context.Context, r models.Reference, o models.Options) int64 {
	if found, err := models.Resolve(ctx, r, o); err == nil {
		return found.Size
	}
	return 0
}

// modelOptions are the options of models that this process asks.
func (f shipFlags) modelOptions(progress fetch.Progress) (models.Options, error) {
	precision, err := f.parsePrecision()
	return models.Options{
		Progress: progress, Precision: precision,
		Server: models.ServerOptions{RequestsPerMinute: f.limits.RequestsPerMinute, TokensPerMinute: f.limits.TokensPerMinute},
	}, err
}

// lazyModels returns the models that --model names, and the defaults of the other
// roles. Each is opened when it is first needed. Their requests are recorded with --otlp.
// cost, if not nil, gets the memory in bytes that a model takes.
func (a *app) lazyModels(f shipFlags, o models.Options, cost func(r models.Reference, memory int64)) (*models.Opened, error) {
	set, err := f.set()
	if err != nil {
		return nil, err
	}
	return set.Lazy(func(ctx context.Context, r models.Reference) (llm.Model, error) {
		before := memoryNow()
		m, err := openModel(ctx, r, o)
		if err == nil && cost != nil {
			cost(r, memoryNow()-before)
		}
		if err != nil {
			return nil, redownloadHint(err)
		}
		return a.records.telemetry.Wrap(m), nil
	}), nil
}

// openAsked opens the models that calls ask, so that mistakes show before the
// first row.
func openAsked(ctx context.Context, opened *models.Opened, asks []ai.Ask) error {
	for _, a := range asks {
		names := []string{a.Name}
		if a.Any { // each row names one of the models
			names = nil
			for _, e := range opened.Set() {
				names = append(names, e.Names[0])
			}
		}
		for _, name := range names {
			m, err := opened.Source(ctx, a.Role, name)
			var unknown *llm.UnknownModelError
			if errors.As(err, &unknown) || name != "" && err == nil {
				continue // the rows that name the model have an error
			}
			if err == nil && !m.Info().Has(a.Role) {
				err = &llm.RoleError{Model: m.Info().Name, Have: m.Info().Roles, Role: a.Role}
			}
			if a.Optional && (errors.Is(err, llm.ErrNoModel) || errors.Is(err, llm.ErrRole)) {
				continue // the calls do without it
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// roleHint adds to an error about the model of a role the flag that names one.
func roleHint(err error) error {
	var role *llm.RoleError
	var missing *models.DefaultError
	var none *models.NoDefaultError
	switch {
	case errors.As(err, &role):
		return fmt.Errorf("%w: add --model %s=REFERENCE", err, role.Role)
	case errors.As(err, &none):
		return fmt.Errorf("%w: --model %s=REFERENCE", err, none.Role)
	case errors.As(err, &missing):
		return fmt.Errorf("%w\n  Fetch it where downloads are allowed (firesteel models get %s), or name a model on this machine: --model %s=REFERENCE", err, missing.Entry.Name, missing.Role)
	}
	return err
}

// movedNote says that the model of --model is not the text model. It is empty if
// it is.
func movedNote(set models.Set) string {
	e, moved := set.Moved()
	if !moved {
		return ""
	}
	roles := make([]string, len(e.Roles))
	for i, r := range e.Roles {
		roles[i] = string(r)
	}
	return fmt.Sprintf("%s has the role %s and not text, so it is used for that role; name the text model by --model text=REFERENCE", e.Reference, strings.Join(roles, ", "))
}

// redownloadHint adds the commands that download a damaged model again.
func redownloadHint(err error) error {
	var damaged *models.DamagedError
	if errors.As(err, &damaged) {
		return fmt.Errorf("%w\n  If the file is damaged, download it again: run 'firesteel models remove %s', and then this command", err, damaged.Reference)
	}
	return err
}
