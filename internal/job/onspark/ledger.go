package onspark

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/spark"
)

// ledger keeps answers as Parquet files, in one folder for each function:
//
//	scope STRING, key STRING, answer STRUCT<result, error, raw>, ok BOOLEAN,
//	model STRING, run STRING, wave INT, at TIMESTAMP
//
// scope is the SHA-256 of the function, its version, the versions of its
// prompts, the weights, their precision, the version of the engine and the
// constant arguments. key is that of the other arguments. ok tells whether
// there is a result; a row that is not ok is valid for its own run only.
type ledger struct {
	r        *run
	function *ai.Function
	path     string
	scope    string
	models   string // the names of the models that are asked
	wave     int
}

func newLedger(r *run, f *ai.Function, c *sqlexpr.Call) *ledger {
	asked := r.models(c.Asks())
	digest := sha256.Sum256([]byte(c.Scope(asked)))
	return &ledger{r: r, function: f, models: job.Names(asked), path: strings.TrimSuffix(r.ledger, "/") + "/" + f.Name, scope: hex.EncodeToString(digest[:])}
}

// LedgerError means that a path of Spark holds no ledger.
type LedgerError struct{ Path, MissingColumn string }

func (e *LedgerError) Error() string {
	return fmt.Sprintf("%s is not a ledger: it has no column %s", e.Path, e.MissingColumn)
}

// open creates the folder if it does not exist, so that it can be read.
func (l *ledger) open(ctx context.Context) error {
	names, err := l.r.session.parquet(l.path).names(ctx)
	var failed *spark.Error
	if errors.As(err, &failed) && (strings.Contains(failed.Class, "PATH_NOT_FOUND") || strings.Contains(failed.Class, "UNABLE_TO_INFER_SCHEMA")) {
		none, err := l.r.session.sql(ctx, fmt.Sprintf(`SELECT '' AS scope, '' AS key, %s AS answer,
			true AS ok, '' AS model, '' AS run, 0 AS wave, current_timestamp() AS at WHERE false`, nullAnswer(l.function)))
		if err != nil {
			return err
		}
		return l.failed(none.appendParquet(ctx, l.path))
	}
	if err != nil {
		return l.failed(err)
	}
	for _, name := range []string{"scope", "key", "answer", "ok", "run"} {
		if !slices.Contains(names, name) {
			return &LedgerError{l.path, name}
		}
	}
	return nil
}

func (l *ledger) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the ledger %s: %w", l.path, err)
}

func (l *ledger) read() query {
	return l.r.session.parquet(l.path).where(fmt.Sprintf("scope = '%s' AND (ok OR run = '%s')", l.scope, l.r.id))
}

func (l *ledger) known() query {
	return l.read().project(column{expr: keyColumn}, column{expr: answerColumn})
}

func (l *ledger) add(ctx context.Context, wave query) (query, error) {
	l.wave++
	rows := wave.project(
		column{"'" + l.scope + "'", "scope"}, column{expr: keyColumn}, column{expr: answerColumn},
		column{"answer IS NULL OR answer.result IS NOT NULL OR answer.error IS NULL", "ok"},
		column{quote(l.models), "model"}, column{"'" + l.r.id + "'", "run"}, column{fmt.Sprint(l.wave), "wave"},
		column{"current_timestamp()", "at"})
	if err := rows.appendParquet(ctx, l.path); err != nil {
		return nil, l.failed(err)
	}
	return l.read().where(fmt.Sprintf("run = '%s' AND wave = %d", l.r.id, l.wave)).
		project(column{expr: keyColumn}, column{expr: answerColumn}), nil
}

// quote writes a string as a SQL literal.
func quote(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
