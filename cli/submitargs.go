package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// sparkSwitches are the options of spark-submit that take no value.
var sparkSwitches = []string{"supervise", "verbose", "v", "version", "usage-error", "load-spark-defaults"}

// ownSettings are chosen anew by each run.
var ownSettings = []string{"spark.connect.grpc.binding.address", "spark.connect.grpc.binding.port", "spark.connect.authenticate.token"}

// splitSubmit divides a command line into our flags, spark-submit's options,
// and the job with its arguments. The job follows --, or is the first word
// that belongs to no option.
func splitSubmit(c *cobra.Command, args []string) (ours, sparks, job []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return ours, sparks, args[i+1:], nil
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			return ours, sparks, args[i:], nil
		}
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name == "" {
			return nil, nil, nil, fmt.Errorf("%w: %q is no option", errUsage, arg)
		}
		flag := c.Flags().Lookup(name)
		if !strings.HasPrefix(arg, "--") {
			if flag = c.Flags().ShorthandLookup(name[:1]); flag != nil && len(name) > 1 {
				joined = true // -n5
			}
		}
		takesValue := !slices.Contains(sparkSwitches, name)
		if flag != nil {
			takesValue = flag.NoOptDefVal == ""
		}
		words := args[i : i+1]
		if takesValue && !joined {
			if i+1 == len(args) {
				return nil, nil, nil, fmt.Errorf("%w: %s needs a value", errUsage, arg)
			}
			value, words = args[i+1], args[i:i+2]
			i++
		}
		if flag != nil {
			ours = append(ours, words...)
			continue
		}
		if err := checkSparkOption(name, value); err != nil {
			return nil, nil, nil, err
		}
		sparks = append(sparks, words...)
	}
	return ours, sparks, nil, nil
}

// checkSparkOption refuses what would make another application of it than a
// Connect server of this machine.
func checkSparkOption(name, value string) error {
	switch name {
	case "class", "remote":
		return fmt.Errorf("%w: --%s cannot be given: what is submitted is a Spark Connect server, on which the job runs", errUsage, name)
	case "deploy-mode":
		if value != "client" {
			return fmt.Errorf("%w: --deploy-mode %s is not possible: the server runs on this machine, which the job reaches it from; executors are the cluster's all the same", errUsage, value)
		}
	case "conf", "c":
		key, _, _ := strings.Cut(value, "=")
		if slices.Contains(ownSettings, key) {
			return fmt.Errorf("%w: %s is chosen anew by each run; leave it out", errUsage, key)
		}
	}
	return nil
}
