//go:build linux

package integration

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// submitHere returns a command that runs statements with firesteel submit on a
// local Spark. Like a shell, it starts the command in a process group of its own.
func submitHere(t *testing.T, version, statements string, conf ...string) *exec.Cmd {
	t.Helper()
	testkit.Integration(t)
	installed, err := localspark.Install(t.Context(), localspark.Options{Version: version, Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(script, []byte(statements), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"submit", "--spark-home", installed.Home, "--master", "local[2]", "--model", tinyModel(t), "--worker", program(t)}
	for _, c := range conf {
		args = append(args, "--conf", c)
	}
	s := exec.Command(program(t), append(args, "--", script)...)
	s.Env = append(os.Environ(), "SPARK_LOCAL_IP=127.0.0.1", quickJava)
	s.Dir, s.WaitDelay = t.TempDir(), 10*time.Second
	s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return s
}

// Spark 3.5 has no Connect server in its distribution. Spark 4 has one.
func TestSubmitOldSpark(t *testing.T) {
	t.Parallel()
	s := submitHere(t, "3.5.1", "SELECT 'it is ' || firesteel_echo(version()) AS said;\n", "spark.ui.enabled=false")
	var errs strings.Builder
	s.Stderr = &errs
	out, err := s.Output()
	if err != nil || !strings.Contains(string(out), "it is 3.5.1") {
		t.Errorf("%v: %s\n%s", err, out, &errs)
	}
}

// An interrupt during a query ends all processes that firesteel submit started.
func TestSubmitInterrupted(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.5.1", localspark.DefaultVersion} {
		t.Run(version, func(t *testing.T) {
			mark := rand.Text()
			_, ui, _ := net.SplitHostPort(freeAddress(t))
			s := submitHere(t, version, `SELECT 'begun: ' || firesteel_echo('yes') AS said;
				SELECT count(firesteel_echo(CAST(id AS STRING))) AS never FROM range(1000000000000);`,
				"spark.ui.bindAddress=127.0.0.1", "spark.ui.port="+ui, "spark.firesteel.test="+mark)
			var thief *otheruser.Thief
			if os.Getuid() == 0 {
				thief = otheruser.NewThief(t, mark)
			}
			var errs strings.Builder
			s.Stderr = &errs
			out, err := s.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if s.ProcessState == nil { // the test has failed
					s.Process.Signal(syscall.SIGTERM)
					s.Wait()
				}
			})
			lines := bufio.NewScanner(out)
			for lines.Scan() && !strings.Contains(lines.Text(), "begun: yes") {
			}
			time.Sleep(2 * time.Second) // until the endless query runs
			if tags := tagsOfJobs(t, ui); !strings.Contains(tags, "_Tag_firesteel") {
				t.Errorf("Spark's page shows the tags %q for the job of the query", tags)
			}
			t.Run("stranger", func(t *testing.T) { otheruser.Attack(t, s.Process.Pid) })
			if thief != nil {
				thief.Stop(otheruser.Token(t, s.Process.Pid))
			}
			started := descendants(t, s.Process.Pid)
			if len(started) < 2 {
				t.Errorf("firesteel submit has %d descendants; want at least Spark and its worker", len(started))
			}
			if err := syscall.Kill(-s.Process.Pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(out)
			s.Wait()
			if s.ProcessState.ExitCode() != 130 || strings.Contains(string(rest), "never") {
				t.Errorf("exit code %d, %q\n%s", s.ProcessState.ExitCode(), rest, &errs)
			}
			for _, pid := range started {
				waitGone(t, pid)
			}
		})
	}
}

// tagsOfJobs returns the tags of the running jobs from Spark's REST API.
func tagsOfJobs(t *testing.T, ui string) string {
	t.Helper()
	page := "http://127.0.0.1:" + ui + "/api/v1/applications"
	var applications []struct{ ID string }
	if err := getJSON(page, &applications); err != nil {
		t.Fatal(err)
	}
	if len(applications) != 1 {
		t.Fatalf("%d applications", len(applications))
	}
	var jobs []struct{ JobTags []string }
	if err := getJSON(page+"/"+applications[0].ID+"/jobs?status=running", &jobs); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(jobs)
}

func getJSON(url string, to any) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(to)
}

// descendants returns the descendants of a process.
func descendants(t *testing.T, of int) (found []int) {
	t.Helper()
	for pid, parent := range processes(t) {
		if parent == of {
			found = append(append(found, pid), descendants(t, pid)...)
		}
	}
	return found
}
