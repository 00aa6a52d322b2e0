package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// openModel opens a model that this process asks: one that runs in it, or one of
// a server. Tests replace it.
var openModel = models.Open

// modelOptions are the options of models that this process asks.
func (f shipFlags) modelOptions(progress fetch.Progress) (models.Options, error) {
	precision, err := f.parsePrecision()
	return models.Options{
		Progress: progress, Precision: precision,
		Server: models.ServerOptions{RequestsPerMinute: f.limits.RequestsPerMinute, TokensPerMinute: f.limits.TokensPerMinute},
	}, err
}

// openModels opens the models that --model names.
func openModels(ctx context.Context, f shipFlags, o models.Options) (*models.Opened, error) {
	set, err := f.set()
	if err != nil {
		return nil, err
	}
	return openSet(ctx, set, o)
}

// openDefaultModel opens the default model of those that --model names.
func openDefaultModel(ctx context.Context, f shipFlags, progress fetch.Progress) (*models.Opened, error) {
	set, err := f.set()
	if err != nil {
		return nil, err
	}
	o, err := f.modelOptions(progress)
	if err != nil {
		return nil, err
	}
	return openSet(ctx, set[:min(1, len(set))], o)
}

// openSet opens the models of a set.
func openSet(ctx context.Context, set models.Set, o models.Options) (*models.Opened, error) {
	return set.OpenWith(ctx, func(ctx context.Context, r models.Reference) (llm.Model, error) {
		m, err := openModel(ctx, r, o)
		return m, redownloadHint(err)
	})
}

// redownloadHint adds the commands that download a damaged model again.
func redownloadHint(err error) error {
	var damaged *models.DamagedError
	if errors.As(err, &damaged) {
		return fmt.Errorf("%w\n  If the file is damaged, download it again: run 'firesteel models remove %s', and then this command", err, damaged.Reference)
	}
	return err
}

// hosts returns the addresses of the servers among the models. It is empty if
// all models run on this machine.
func (f shipFlags) hosts() string {
	set, _ := f.set() // errors are reported where the flags are checked
	return strings.Join(set.Addresses(), ", ")
}
