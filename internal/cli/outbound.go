package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// addOutbound adds the flags that restrict connections to other machines. The
// returned function applies them through the environment, so that they hold for
// child processes too.
func addOutbound(root *cobra.Command) (apply func() error) {
	var localOnly bool
	var hosts []string
	root.PersistentFlags().BoolVar(&localOnly, "local-only", false,
		"connect to no other machine: no downloads, endpoints or remote Spark (also "+egress.LocalOnlyVariable+"=1)")
	root.PersistentFlags().StringArrayVar(&hosts, "allow-host", nil,
		"allow downloads and endpoints on this host or host:port only; may be repeated")
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
				return fmt.Errorf("%w: --allow-host is a host or host:port, such as api.example.com, not %q", errUsage, h)
			}
		}
		return os.Setenv(egress.AllowHostsVariable, strings.Join(hosts, ","))
	}
}
