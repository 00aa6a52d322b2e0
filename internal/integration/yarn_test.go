//go:build linux

package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/testkit"
)

// yarn is a cluster of Hadoop daemons on loopback, without HDFS: a resource manager
// and two node managers, each a process.
type yarn struct {
	*standalone        // its methods submit jobs and find workers
	pages       string // URL of the resource manager's REST API
}

// The containers of a job with 1 GiB of overhead have 1.5 GiB each, and that of the
// application master has 1 GiB, so each executor runs on another node.
const yarnSite = `<configuration>
<property><name>yarn.nodemanager.resource.memory-mb</name><value>2560</value></property>
<property><name>yarn.nodemanager.resource.cpu-vcores</name><value>4</value></property>
<property><name>yarn.scheduler.minimum-allocation-mb</name><value>256</value></property>
<property><name>yarn.resourcemanager.scheduler.class</name><value>org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler</value></property>
<property><name>yarn.resourcemanager.nodemanagers.heartbeat-interval-ms</name><value>200</value></property>
<property><name>yarn.nodemanager.vmem-check-enabled</name><value>false</value></property>
<property><name>yarn.nodemanager.pmem-check-enabled</name><value>false</value></property>
<property><name>yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage</name><value>99</value></property>
<property><name>yarn.nodemanager.env-whitelist</name><value>JAVA_HOME,JAVA_TOOL_OPTIONS,SPARK_LOCAL_IP</value></property>
<property><name>yarn.nodemanager.local-dirs</name><value>${firesteel.node}/local</value></property>
<property><name>yarn.nodemanager.log-dirs</name><value>${firesteel.node}/logs</value></property>
`

// startYARN starts the daemons. SPARK_CONF_DIR is the folder of the cluster, and
// HADOOP_CONF_DIR its folder hadoop. Their settings keep the JVMs small.
func startYARN(t *testing.T) *yarn {
	t.Helper()
	testkit.Integration(t)
	classes := strings.Join(jars(t, listed(t, filepath.Join("testdata", "yarn.txt"))...), ":")
	c := &yarn{standalone: newStandalone(t)}
	c.url = "yarn"
	hadoop := filepath.Join(c.folder, "hadoop")
	site := yarnSite
	set := func(name, value string) {
		site += fmt.Sprintf("<property><name>yarn.%s</name><value>%s</value></property>\n", name, value)
	}
	for _, name := range []string{"", "scheduler.", "resource-tracker.", "admin.", "webapp."} {
		address := freeAddress(t)
		set("resourcemanager."+name+"address", address)
		c.pages = "http://" + address + "/ws/v1/cluster/"
	}
	for _, name := range []string{"", "localizer.", "webapp."} {
		set("nodemanager."+name+"address", "127.0.0.1:0")
	}
	set("node-attribute.fs-store.root-dir", "file://"+filepath.Join(c.folder, "attributes"))
	defaults := fmt.Sprintf(`spark.yarn.jars local:%s/jars/*
spark.yarn.stagingDir file://%s/staging
spark.yarn.am.memory 512m
spark.executor.memory 512m
spark.ui.enabled false
`, c.home, c.folder)
	if err := os.Mkdir(hadoop, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(hadoop, "yarn-site.xml"):         site + "</configuration>\n",
		filepath.Join(c.folder, "spark-defaults.conf"): defaults,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func(name, class string) {
		t.Helper()
		command := exec.Command(filepath.Join(javaHome(t), "bin", "java"), "-Xmx256m", "-cp", hadoop+":"+classes,
			"-Djava.io.tmpdir="+c.folder, "-Dhadoop.tmp.dir="+c.folder, "-Dfiresteel.node="+filepath.Join(c.folder, name),
			"org.apache.hadoop.yarn.server."+class)
		command.Env = append(os.Environ(), "JAVA_HOME="+javaHome(t), "SPARK_LOCAL_IP=127.0.0.1", quickJava)
		c.launch(t, name, command)
	}
	// Containers run in sessions of their own, and do not end when a node manager is
	// killed.
	t.Cleanup(func() {
		for _, pid := range c.containers(t) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	start("resourcemanager", "resourcemanager.ResourceManager")
	start("node1", "nodemanager.NodeManager")
	start("node2", "nodemanager.NodeManager")
	return c
}

// waitNodes waits until both node managers are active.
func (c *yarn) waitNodes(t *testing.T) {
	t.Helper()
	var answer struct {
		ClusterMetrics struct{ ActiveNodes int }
	}
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := getJSON(c.pages+"metrics", &answer)
		if err == nil && answer.ClusterMetrics.ActiveNodes == 2 {
			return
		}
		if time.Since(begin) > patience {
			t.Fatalf("two nodes are not active: %+v, %v", answer, err)
		}
	}
}

// yarnApplication is an application in the resource manager's REST API.
type yarnApplication struct {
	ID, Name, State, FinalStatus, ApplicationType string
}

// applications returns all submitted applications, the latest first.
func (c *yarn) applications(t *testing.T) []yarnApplication {
	t.Helper()
	var answer struct {
		Apps struct{ App []yarnApplication }
	}
	if err := getJSON(c.pages+"apps", &answer); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(answer.Apps.App, func(a, b yarnApplication) int { return strings.Compare(b.ID, a.ID) })
	return answer.Apps.App
}

// containers returns the processes whose working folders are those of containers.
func (c *yarn) containers(t *testing.T) (found []int) {
	t.Helper()
	for pid := range processes(t) {
		if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && strings.HasPrefix(cwd, filepath.Join(c.folder, "node")) {
			found = append(found, pid)
		}
	}
	return found
}

// waitEmpty waits until no application and no container runs, and returns the
// latest application.
func (c *yarn) waitEmpty(t *testing.T, submitted int) yarnApplication {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		apps, left := c.applications(t), c.containers(t)
		running := slices.ContainsFunc(apps, func(a yarnApplication) bool {
			return !slices.Contains([]string{"FINISHED", "FAILED", "KILLED"}, a.State)
		})
		if len(apps) == submitted && !running && len(left) == 0 {
			return apps[0]
		}
		if time.Since(begin) > patience {
			t.Fatalf("of %d applications, the resource manager lists %+v; the processes %v run", submitted, apps, left)
		}
	}
}

var (
	pageJob  = regexp.MustCompile(`(?ms)^cat > job\.sql <<'SQL'\n.*?^SQL\n`)
	yarnPart = regexp.MustCompile(`(?ms)^## On YARN\n.*?^## `)
	inNode   = regexp.MustCompile(`/(node[12])/local/usercache/[^/]+/appcache/application_\d+_\d+/container_\d+_\d+_\d+_\d+(/|$)`)
)

// The job of docs/cluster.md prints on YARN what the page shows. When firesteel
// submit ends, also by a signal, no application and no container is left.
func TestYARN(t *testing.T) {
	t.Parallel()
	c := startYARN(t)
	testkit.Model(t) // its download does not count towards the timeout
	binary := program(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cluster.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	script := pageJob.FindString(page)
	commands := fenced.FindAllStringSubmatch(yarnPart.FindString(page), -1)
	blocks := fenced.FindAllStringSubmatch(page, -1)
	result := slices.IndexFunc(blocks, func(block []string) bool { return block[1] == "" }) // the job's comes first
	if script == "" || result < 0 || len(commands) != 1 {
		t.Fatalf("the page has the job %q, and on YARN %q", script, commands)
	}
	script += commands[0][2]
	want := blocks[result][2]
	c.waitNodes(t)
	environment := append(os.Environ(), "HADOOP_CONF_DIR="+filepath.Join(c.folder, "hadoop"), "SPARK_HOME="+c.home,
		"SPARK_CONF_DIR="+c.folder, "SPARK_LOCAL_IP=127.0.0.1", quickJava, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))

	t.Run("page", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
		defer cancel()
		shell := exec.CommandContext(ctx, "/bin/sh", "-euc", script)
		var out, errs bytes.Buffer
		shell.Dir, shell.Env, shell.Stdout, shell.Stderr = t.TempDir(), environment, &out, &errs
		shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: c.group}
		shell.WaitDelay = 10 * time.Second
		if err := shell.Run(); err != nil || !strings.Contains(out.String(), want) {
			t.Fatalf("%v; the output does not contain\n%s\nbut\n%s\n%s", err, want, out.String(), errs.String())
		}
		last := c.waitEmpty(t, 1)
		if last.Name != "firesteel" || last.ApplicationType != "SPARK" || last.State != "FINISHED" || last.FinalStatus != "SUCCEEDED" {
			t.Errorf("the resource manager lists the application as %+v", last)
		}
	})

	job := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(job, []byte(`SELECT 'begun: ' || firesteel_echo('yes') AS said;
		SELECT count(firesteel_echo(CAST(id AS STRING))) AS never FROM range(0, 1000000000000, 1, 2);`), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, end := range []struct {
		signal    syscall.Signal
		executors int
	}{{syscall.SIGINT, 2}, {syscall.SIGKILL, 1}} {
		t.Run(end.signal.String(), func(t *testing.T) {
			s := c.submit(t, "--num-executors", strconv.Itoa(end.executors), "--conf", "spark.executor.memoryOverhead=1g",
				"--model", tinyModel(t), "--worker", binary, "--", job)
			s.Env = environment
			s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: c.group}
			out, err := s.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for lines.Scan() && !strings.Contains(lines.Text(), "begun: yes") {
			}
			// Each executor runs the endless query in a container of its node.
			nodes := map[string]bool{}
			for begin := time.Now(); len(nodes) < end.executors; time.Sleep(50 * time.Millisecond) {
				for worker, executor := range c.workers(t) {
					for _, pid := range []int{worker, executor} {
						cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
						if in := inNode.FindStringSubmatch(cwd); in != nil && pid == worker {
							nodes[in[1]] = true
						} else if in == nil && alive(pid) {
							t.Errorf("the working folder %[2]s of process %[1]d is not that of a container", pid, cwd)
						}
					}
				}
				if time.Since(begin) > patience {
					t.Fatalf("workers run only on the nodes %v\n%s", nodes, s.errs)
				}
			}
			s.Process.Signal(end.signal)
			err = s.Wait()
			if code := s.ProcessState.ExitCode(); end.signal == syscall.SIGINT && code != 130 {
				t.Errorf("exit code %d, %v\n%s", code, err, s.errs)
			}
			c.waitEmpty(t, i+2)
		})
	}
}
