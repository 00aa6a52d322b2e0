package sparkjob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/spark"
)

// store is where a call's answers go, wave by wave.
type store interface {
	// known are the answers that need not be asked for: key, answer.
	known() *spark.DataFrame
	// add computes and stores a wave: key, answer. It gives what was stored.
	add(ctx context.Context, wave *spark.DataFrame) (*spark.DataFrame, error)
}

func (r *running) store(ctx context.Context, c *sqlexpr.Call) (store, error) {
	f := c.Function
	if f.Of != nil {
		f = f.Of
	}
	if r.Ledger == "" {
		none, err := r.session.SQL(ctx, fmt.Sprintf("SELECT '' AS %s, %s AS %s WHERE false", keyColumn, noAnswer(f), answerColumn))
		return &kept{r: r, name: fmt.Sprintf("answers%d", len(r.calls)), answers: none}, err
	}
	digest := sha256.Sum256([]byte(c.Scope(r.Model)))
	l := &ledger{r: r, function: f, path: strings.TrimSuffix(r.Ledger, "/") + "/" + f.Name, scope: hex.EncodeToString(digest[:])}
	return l, l.open(ctx)
}

// noAnswer is NULL of the type of a function's answers.
func noAnswer(f *ai.Function) string {
	return fmt.Sprintf("CAST(NULL AS STRUCT<result: %s, error: STRING, raw: STRING>)", f.Returns)
}

// kept are answers that end with the job: a cached table for each wave.
type kept struct {
	r       *running
	name    string
	waves   int
	answers *spark.DataFrame // of all waves
}

func (k *kept) known() *spark.DataFrame { return k.answers }

func (k *kept) add(ctx context.Context, wave *spark.DataFrame) (*spark.DataFrame, error) {
	w, err := k.r.keep(ctx, fmt.Sprintf("%s_%d", k.name, k.waves), wave)
	if err == nil {
		k.waves++
		k.answers = k.answers.Union(w)
	}
	return w, err
}

// ledger are answers in Parquet files, of one function a folder:
//
//	scope STRING, key STRING, answer STRUCT<result, error, raw>, ok BOOLEAN,
//	model STRING, run STRING, wave INT, at TIMESTAMP
//
// scope is the SHA-256 of function, versions of it and its prompts, weights,
// precision, version of the engine and constant arguments, key that of the
// others. ok is whether there is a result;
// rows that are not ok count for their own run only.
type ledger struct {
	r        *running
	function *ai.Function
	path     string
	scope    string
	wave     int
}

// open makes the folder if it is not there, so that it can be read.
func (l *ledger) open(ctx context.Context) error {
	schema, err := l.r.session.Read().Parquet(l.path).Schema(ctx)
	var failed *spark.Error
	if errors.As(err, &failed) && (strings.Contains(failed.Class, "PATH_NOT_FOUND") || strings.Contains(failed.Class, "UNABLE_TO_INFER_SCHEMA")) {
		none := fmt.Sprintf(`SELECT '' AS scope, '' AS key, %s AS answer,
			true AS ok, '' AS model, '' AS run, 0 AS wave, current_timestamp() AS at WHERE false`, noAnswer(l.function))
		df, err := l.r.session.SQL(ctx, none)
		if err != nil {
			return err
		}
		return l.failed(df.Write().Mode("append").Parquet(ctx, l.path))
	}
	if err != nil {
		return l.failed(err)
	}
	for _, name := range []string{"scope", "key", "answer", "ok", "run"} {
		found := false
		for _, f := range schema.Fields {
			found = found || f.Name == name
		}
		if !found {
			return fmt.Errorf("%s is no ledger: it has no column %s; name another path by --ledger", l.path, name)
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

func (l *ledger) read() *spark.DataFrame {
	return l.r.session.Read().Parquet(l.path).Where(spark.Expr(fmt.Sprintf("scope = '%s' AND (ok OR run = '%s')", l.scope, l.r.run)))
}

func (l *ledger) known() *spark.DataFrame {
	return l.read().Select(spark.Col(keyColumn), spark.Col(answerColumn))
}

func (l *ledger) add(ctx context.Context, wave *spark.DataFrame) (*spark.DataFrame, error) {
	l.wave++
	rows := wave.Select(
		spark.Lit(l.scope).Alias("scope"), spark.Col(keyColumn), spark.Col(answerColumn),
		spark.Expr("answer IS NULL OR answer.result IS NOT NULL OR answer.error IS NULL").Alias("ok"),
		spark.Lit(l.r.Model.Name).Alias("model"), spark.Lit(l.r.run).Alias("run"), spark.Lit(l.wave).Alias("wave"),
		spark.Expr("current_timestamp()").Alias("at"))
	if err := rows.Write().Mode("append").Parquet(ctx, l.path); err != nil {
		return nil, l.failed(err)
	}
	return l.read().Where(spark.Expr(fmt.Sprintf("run = '%s' AND wave = %d", l.r.run, l.wave))).
		Select(spark.Col(keyColumn), spark.Col(answerColumn)), nil
}
