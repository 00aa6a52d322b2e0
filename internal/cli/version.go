package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/version"
)

func (a *app) version() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, its commit and the commit's date",
		Long: `Print the version, its commit, the commit's date, the Go compiler and the system.

A build without version control (go build -buildvcs=false) does not record its
commit: commit and date are "unknown" then.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				e := json.NewEncoder(a.out)
				e.SetIndent("", "  ")
				return e.Encode(version.Get())
			}
			_, err := fmt.Fprintln(a.out, versionText())
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// versionText returns one line that describes the build.
func versionText() string {
	v := version.Get()
	commit := v.Commit
	if v.Modified {
		commit += " with changes"
	}
	return fmt.Sprintf("firesteel %s (commit %s, date %s, %s, %s/%s)", v.Version, commit, v.Date, v.Go, v.OS, v.Arch)
}
