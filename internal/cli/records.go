package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/telemetry"
)

// recordFlags say where a command's metrics, traces and lineage go.
type recordFlags struct {
	otlp    string
	lineage lineageFlags
}

func (f *recordFlags) add(c *cobra.Command) {
	addOTLP(c, &f.otlp)
	f.lineage.add(c)
}

// records are what a command tells others about its work. Both are nil unless they are asked for, and then do nothing.
type records struct {
	telemetry *telemetry.Exporter
	lineage   *lineageWriter
}

// recording opens what the flags ask for, does the work of a command as a span, and sends what is left.
func (a *app) recording(ctx context.Context, f recordFlags, command string, work func(context.Context) error) (err error) {
	if a.records.lineage, err = a.openLineage(f.lineage); err != nil {
		return err
	}
	if a.records.telemetry, err = openTelemetry(ctx, f.otlp, command); err != nil {
		return err
	}
	defer a.closeTelemetry(a.records.telemetry)
	ctx, end := a.records.telemetry.Span(ctx, "firesteel "+command)
	defer func() { end(err) }()
	return work(ctx)
}
