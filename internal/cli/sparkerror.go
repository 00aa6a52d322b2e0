package cli

import (
	"errors"
	"fmt"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/spark"
)

// explainSpark adds the flags and commands that solve an error of Spark, which
// the packages spark and localspark do not name.
func explainSpark(err error) error {
	var master *spark.MasterURLError
	var program *spark.NotLinuxError
	var download *localspark.DownloadError
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
	}
	return err
}
