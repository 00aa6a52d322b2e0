// Command firesteel brings AI functions to any Apache Spark.
package main

import (
	"os"

	"github.com/firesteel/firesteel/internal/cli"
)

func main() { os.Exit(cli.Do(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
