package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/secret"
)

// A report that is passed on must not open the server that it was made on.
func TestReportHidesToken(t *testing.T) {
	const token = "N7Q4TOKENOFASERVER"
	remote := "sc://127.0.0.1:15002/;token=" + token
	secret.Add(token) // as spark.Connect does
	r := &fileRun{app: &app{args: []string{"run", "reviews", "--remote", remote}}, flags: runFlags{remote: remote}, plan: &job.Plan{}}
	text := fmt.Sprint(r.whatRan())
	if strings.Contains(text, token) || !strings.Contains(text, "sc://127.0.0.1:15002/;token=") {
		t.Error(text)
	}
}
