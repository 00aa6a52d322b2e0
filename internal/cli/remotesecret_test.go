package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/secret"
)

// A report is shared, so it must not contain the token of the server.
func TestReportHidesToken(t *testing.T) {
	const token = "N7Q4TOKENOFASERVER"
	remote := "sc://127.0.0.1:15002/;token=" + token
	secret.Add(token) // as spark.Connect does
	a := &app{args: []string{"run", "reviews", "--remote", remote}}
	text := fmt.Sprint(a.runPart(runFacts{options: &runOptions{remote: remote}, plan: &job.Plan{}}))
	if strings.Contains(text, token) || !strings.Contains(text, "sc://127.0.0.1:15002/;token=") {
		t.Error(text)
	}
}
