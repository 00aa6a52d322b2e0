package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// addOutbound adds the flags of what may leave this machine, and gives what
// makes them hold: through the environment, and so for what this process starts
// as well.
func addOutbound(root *cobra.Command) (hold func() error) {
	var localOnly bool
	var hosts []string
	root.PersistentFlags().BoolVar(&localOnly, "local-only", false,
		"connect to no other machine: no download, endpoint or Spark elsewhere (also "+egress.LocalOnlyVariable+"=1)")
	root.PersistentFlags().StringArrayVar(&hosts, "allow-host", nil,
		"the only host, or host:port, for downloads and endpoints; may be repeated")
	return func() error {
		if localOnly {
			if err := os.Setenv(egress.LocalOnlyVariable, "1"); err != nil {
				return err
			}
		}
		if len(hosts) == 0 {
			return nil
		}
		for _, h := range hosts {
			if strings.TrimSpace(h) == "" || strings.ContainsAny(h, ",/@ ") {
				return fmt.Errorf("%w: --allow-host is a host or host:port, such as api.example.com, and not %q", errUsage, h)
			}
		}
		return os.Setenv(egress.AllowHostsVariable, strings.Join(hosts, ","))
	}
}
