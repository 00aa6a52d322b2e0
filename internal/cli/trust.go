package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// addTrust adds the flag of directories that are trusted although other users can
// write to them. The returned function applies it through the environment, so that
// it holds for child processes too.
func addTrust(root *cobra.Command) (apply func() error) {
	var dirs []string
	root.PersistentFlags().StringArrayVar(&dirs, "trust-directory", nil,
		"keep ledgers, models and programs in this directory although other users can write there (also "+privatefile.TrustVariable+"); may be repeated")
	return func() error {
		if len(dirs) == 0 {
			return nil
		}
		all := filepath.SplitList(os.Getenv(privatefile.TrustVariable))
		for _, dir := range dirs {
			full, err := filepath.Abs(dir)
			if err != nil || strings.TrimSpace(dir) == "" || strings.ContainsRune(full, filepath.ListSeparator) {
				return fmt.Errorf("%w: --trust-directory is the path of a directory without %q, not %q", errUsage, string(filepath.ListSeparator), dir)
			}
			all = append(all, full)
		}
		return os.Setenv(privatefile.TrustVariable, strings.Join(all, string(filepath.ListSeparator)))
	}
}

// explainTrust adds the flag to the error of a directory that is not trusted.
func explainTrust(err error) error {
	var untrusted *privatefile.UntrustedError
	if errors.As(err, &untrusted) {
		return fmt.Errorf("%w, or add --trust-directory %s", err, untrusted.Directory())
	}
	return err
}
