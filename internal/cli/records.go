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

// openRecords opens what the flags ask for; close sends what is left.
func (a *app) openRecords(ctx context.Context, f recordFlags, command string) (r records, close func(), err error) {
	if r.lineage, err = a.openLineage(f.lineage); err != nil {
		return r, nil, err
	}
	if r.telemetry, err = openTelemetry(ctx, f.otlp, command); err != nil {
		return r, nil, err
	}
	return r, func() { a.closeTelemetry(r.telemetry) }, nil
}
