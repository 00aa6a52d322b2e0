package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/screen"
	"github.com/firesteel/firesteel/spark"
)

func TestQueryProgress(t *testing.T) {
	p := spark.Progress{Running: 2, Stages: []spark.StageProgress{{Tasks: 8, Completed: 3}, {Tasks: 2}}}
	var terminal bytes.Buffer
	q := &queries{line: screen.NewTerminalLine(&terminal, func() int { return 80 })}
	q.end() // nothing ran: nothing to wipe off
	q.report(spark.Progress{})
	if terminal.Len() != 0 {
		t.Errorf("%q", terminal.String())
	}
	q.report(p)
	q.end()
	if got := terminal.String(); !strings.HasPrefix(got, "\rSpark: 3 of 10 tasks done, 2 running") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("%q", got)
	}

	var plain bytes.Buffer
	q = &queries{line: screen.NewStatusLine(&plain)}
	q.report(p) // the first sign of a query is no news yet
	q.shown = q.shown.Add(-plainEvery)
	q.report(p)
	q.end()
	if got := plain.String(); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b") {
		t.Errorf("%q", got)
	}
}
