package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/attribute"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/telemetry"
	"github.com/firesteel/firesteel/internal/version"
)

// addOTLP adds the flag of the OpenTelemetry collector.
func addOTLP(c *cobra.Command, address *string) {
	c.Flags().StringVar(address, "otlp", "", "send metrics and traces, without any content, to an OpenTelemetry collector at http://host:4318")
}

// openTelemetry returns the exporter to an address, and nil without one.
func openTelemetry(ctx context.Context, address, command string) (*telemetry.Exporter, error) {
	if address == "" {
		return nil, nil
	}
	e, err := telemetry.Open(ctx, address, command, version.String())
	if err != nil {
		return nil, usagef("--otlp: %w", err)
	}
	return e, nil
}

// closeTelemetry sends what is left. A collector that does not answer does not fail the command.
func (a *app) closeTelemetry(e *telemetry.Exporter) {
	if err := e.Close(); err != nil {
		fmt.Fprintln(a.err, "--otlp: not all metrics and traces were sent:", a.message(err))
	}
}

// recordJob records the counts of a job.
func recordJob(ctx context.Context, e *telemetry.Exporter, s *job.Summary) []attribute.KeyValue {
	if e == nil || s == nil {
		return nil
	}
	for _, c := range []struct {
		outcome string
		n       int64
	}{{"ok", s.OK}, {"null", s.Null}, {"error", s.Errors}, {"skipped", s.Skipped}} {
		e.Rows(ctx, c.outcome, c.n)
	}
	for _, c := range []struct {
		source string
		n      int64
	}{{"asked", s.Asked()}, {"ledger", s.Kept}, {"equal", s.Equal}, {"rules", s.ByRules}, {"refused", s.Refused}} {
		e.Calls(ctx, c.source, c.n)
	}
	return []attribute.KeyValue{attribute.Int64("firesteel.rows", s.Rows), attribute.Int64("firesteel.errors", s.Errors), attribute.Int64("firesteel.skipped", s.Skipped),
		attribute.Int64("gen_ai.usage.input_tokens", s.PromptTokens), attribute.Int64("gen_ai.usage.output_tokens", s.OutputTokens)}
}
