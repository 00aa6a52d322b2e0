package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

func TestQueryProgress(t *testing.T) {
	p := spark.Progress{RunningTasks: 2, Stages: []spark.StageProgress{{Tasks: 8, Completed: 3}, {Tasks: 2}}}
	var screen bytes.Buffer
	q := &queries{line: terminal.NewTerminalLine(&screen, func() int { return 80 })}
	q.end() // nothing ran: nothing to wipe off
	q.report(spark.Progress{})
	if screen.Len() != 0 {
		t.Errorf("%q", screen.String())
	}
	q.report(p)
	q.end()
	if got := screen.String(); !strings.HasPrefix(got, "\rSpark: 3 of 10 tasks done, 2 running") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("%q", got)
	}

	var plain bytes.Buffer
	q = &queries{line: terminal.NewStatusLine(&plain)}
	q.report(p) // the first sign of a query is no news yet
	q.shown = q.shown.Add(-plainEvery)
	q.report(p)
	q.end()
	if got := plain.String(); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b") {
		t.Errorf("%q", got)
	}
}
