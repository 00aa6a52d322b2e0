package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/llm/catalogue"
)

// addCatalogue adds the flag of the user's catalogue. The returned function
// applies it through the environment, so that it holds for child processes too.
func addCatalogue(root *cobra.Command) (apply func() error) {
	var file string
	root.PersistentFlags().StringVar(&file, "catalogue", "",
		"file with models of your own, which add to the catalogue or replace its entries (also "+catalogue.Variable+", or firesteel/catalogue.json in the folder of configurations)")
	return func() error {
		if root.PersistentFlags().Changed("catalogue") {
			full, err := filepath.Abs(file)
			if err != nil || strings.TrimSpace(file) == "" {
				return fmt.Errorf("%w: --catalogue is the path of a file, not %q", errUsage, file)
			}
			if err := os.Setenv(catalogue.Variable, full); err != nil {
				return err
			}
		}
		if os.Getenv(catalogue.Variable) == "" {
			return nil
		}
		if _, err := catalogue.Current(); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return nil
	}
}
