package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/version"
)

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, versionText())
			return err
		},
	}
}

func versionText() string {
	return fmt.Sprintf("firesteel %s (%s, %s/%s)", version.String(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
