package cli

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/spark"
)

// missingRole matches the errors of executors about a role without a model.
var missingRole = regexp.MustCompile(`model with the role (embed|tag|rank|text)\b`)

// explainSpark adds the flags and commands that solve an error of Spark, which
// the packages spark and localspark do not name.
func explainSpark(err error) error {
	var master *spark.MasterURLError
	var program *spark.NotLinuxError
	var download *localspark.DownloadError
	var query *spark.Error
	switch {
	case errors.As(err, &master):
		return fmt.Errorf("%w; 'firesteel submit --master %s' runs a job on this cluster", err, master.URL)
	case errors.As(err, &program):
		if program.Self {
			return fmt.Errorf("%w, here with --worker FILE", err)
		}
	case errors.Is(err, spark.ErrUnreachable):
		return fmt.Errorf("%w\n  'firesteel demo --keep-spark' starts a server to try", err)
	case errors.Is(err, localspark.ErrNoSpark):
		return fmt.Errorf("%w; name Spark's folder with --spark-home, or run 'firesteel demo', which downloads a Spark", err)
	case errors.As(err, &download):
		return fmt.Errorf("%w: --spark-home FOLDER", err)
	case errors.As(err, &query):
		if m := missingRole.FindStringSubmatch(query.Error()); m != nil {
			return fmt.Errorf("%w\n  Name a model of the role: --model %s=REFERENCE", err, m[1])
		}
	}
	return err
}
