package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/spark"
)

// The errors of the packages spark and localspark get the flag or the command
// that solves them.
func TestExplainSpark(t *testing.T) {
	_, unreachable := spark.Connect(t.Context(), "sc://127.0.0.1:1", spark.WithRetry(spark.RetryPolicy{}))
	_, master := spark.Connect(t.Context(), "spark://h:7077")
	for want, err := range map[string]error{
		"'firesteel submit --master spark://h:7077'":      master,
		"'firesteel demo --keep-spark' starts":            unreachable,
		"with spark.WithProgram, here with --worker FILE": &spark.NotLinuxError{Path: "p", Self: true},
		"--spark-home, or run 'firesteel demo'":           localspark.ErrNoSpark,
		"use an installed Spark: --spark-home FOLDER":     &localspark.DownloadError{Version: "4.3.0", Err: errors.New("offline")},
		"--model embed=REFERENCE":                         &spark.Error{Message: "the session has no model with the role embed; open it with one (spark.WithModelFor)"},
		"GOARCH=amd64":                                    &spark.NotLinuxError{Path: "p"},
	} {
		got := explainSpark(fmt.Errorf("context: %w", err))
		if !strings.Contains(got.Error(), want) || !errors.Is(got, err) {
			t.Errorf("got %v, want %q", got, want)
		}
	}
	if got := explainSpark(&spark.NotLinuxError{Path: "p"}); strings.Contains(got.Error(), "--worker") {
		t.Errorf("a program that the user named: %v", got)
	}
}
