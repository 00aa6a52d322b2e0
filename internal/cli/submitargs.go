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

// ownSettings are the settings that each run chooses.
var ownSettings = []string{"spark.connect.grpc.binding.address", "spark.connect.grpc.binding.port", "spark.connect.authenticate.token"}

// splitSubmit splits a command line into the flags of firesteel, the options of
// spark-submit, and the job with its arguments. The job follows --, or is the
// first argument that belongs to no option.
func splitSubmit(c *cobra.Command, args []string) (own, sparks, job []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return own, sparks, args[i+1:], nil
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			return own, sparks, args[i:], nil
		}
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name == "" {
			return nil, nil, nil, fmt.Errorf("%w: %q is not an option", errUsage, arg)
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
			own = append(own, words...)
			continue
		}
		if err := checkSparkOption(name, value); err != nil {
			return nil, nil, nil, err
		}
		sparks = append(sparks, words...)
	}
	return own, sparks, nil, nil
}

// checkSparkOption rejects options that would start another application than a
// Spark Connect server on this machine.
func checkSparkOption(name, value string) error {
	switch name {
	case "class", "remote":
		return fmt.Errorf("%w: --%s cannot be given: the application is a Spark Connect server, which runs the job", errUsage, name)
	case "deploy-mode":
		if value != "client" {
			return fmt.Errorf("%w: --deploy-mode %s is not possible: the server must run on this machine, where the job reaches it; executors run on the cluster anyway", errUsage, value)
		}
	case "conf", "c":
		key, _, _ := strings.Cut(value, "=")
		if slices.Contains(ownSettings, key) {
			return fmt.Errorf("%w: each run chooses %s; remove it", errUsage, key)
		}
	}
	return nil
}

// checkMaster rejects a cluster on other machines if --local-only is set.
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
			return fmt.Errorf("--local-only is set, but the master %q may be on other machines; use --master local[*]", master)
		}
	}
	return nil
}
