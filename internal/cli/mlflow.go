package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/mlflow"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/version"
)

// addMLflow adds the flags of the tracking server.
func addMLflow(c *cobra.Command, address, experiment *string) {
	c.Flags().StringVar(address, "mlflow", "", "write parameters, figures with their intervals and the report to MLflow at http://host:5000")
	c.Flags().StringVar(experiment, "mlflow-experiment", "firesteel", "experiment of MLflow to write to")
}

// checkMLflow finds a mistake in the address before anything is asked.
func checkMLflow(address string) error {
	if address == "" {
		return nil
	}
	if err := mlflow.Check(address); err != nil {
		return usagef("--mlflow: %w", err)
	}
	return nil
}

// figures are scores as metrics: value, and the ends of the interval.
func figures(prefix string, scores []metric.Score) (all []mlflow.Metric) {
	for _, s := range scores {
		name := prefix + strings.ReplaceAll(s.Name, " ", "_")
		all = append(all, mlflow.Metric{Key: name, Value: s.Value}, mlflow.Metric{Key: name + ".low", Value: s.Low}, mlflow.Metric{Key: name + ".high", Value: s.High})
	}
	return all
}

// logRun writes a run with its report, and files as artifacts.
func (a *app) logRun(ctx context.Context, address string, r mlflow.Run, page report.Report, files ...string) error {
	var html bytes.Buffer
	if err := page.Write(&html); err != nil {
		return err
	}
	r.Artifacts = append(r.Artifacts, mlflow.Artifact{Name: "report.html", Content: html.Bytes()})
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r.Artifacts = append(r.Artifacts, mlflow.Artifact{Name: filepath.Base(file), Content: content})
	}
	r.Tags = append(r.Tags, mlflow.Param{Key: "firesteel.version", Value: version.String()}, mlflow.Param{Key: "mlflow.source.name", Value: "firesteel"})
	to, err := mlflow.Log(ctx, address, r)
	if err != nil {
		return fmt.Errorf("--mlflow: %w", err)
	}
	fmt.Fprintln(a.err, "MLflow:", to)
	return nil
}
