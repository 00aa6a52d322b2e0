package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/egress"
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

// checkMaster refuses a cluster elsewhere where nothing may leave this machine.
func checkMaster(options []string) error {
	if !egress.FromEnvironment().LocalOnly {
		return nil
	}
	master := ""
	for i, option := range options {
		name, value, joined := strings.Cut(option, "=")
		if !joined && i+1 < len(options) {
			value = options[i+1]
		}
		switch name {
		case "--master":
			master = value
		case "--conf", "-c":
			if m, found := strings.CutPrefix(value, "spark.master="); found && master == "" {
				master = m
			}
		}
	}
	if master == "local" || strings.HasPrefix(master, "local[") {
		return nil
	}
	hosts, standalone := strings.CutPrefix(master, "spark://")
	for _, host := range strings.Split(hosts, ",") {
		if name, _, _ := strings.Cut(host, ":"); !standalone || !egress.Loopback(name) {
			return fmt.Errorf("local only, but the master %q may be on other machines; --master local[*] is not", master)
		}
	}
	return nil
}
