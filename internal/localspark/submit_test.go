//go:build unix

package localspark

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFakeServer runs in the process that the fake spark-submit starts: it is the
// server.
func TestFakeServer(t *testing.T) {
	file := os.Getenv("FAKE_PORT_FILE")
	if file == "" {
		t.Skip("run by the fake spark-submit")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(os.WriteFile(file+".new", []byte(port), 0o600), os.Rename(file+".new", file)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
	}
}

// fakeHome creates a Spark whose spark-submit writes its arguments and environment
// to the folder and runs a fake server.
func fakeHome(t *testing.T, version, scala string) string {
	t.Helper()
	home := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
printf '%%s\n' "$@" > %[1]s/args; env > %[1]s/env
for a; do case $a in
*-server.jar) cp "$a" %[1]s/app.jar;;
k=wait) while [ ! -e %[1]s/go ]; do sleep 0.01; done;;
--version) echo "version %[2]s
Using Scala version %[3]s.8, OpenJDK"; exit;;
k=die) echo no luck; exit 3;;
esac; done
export FAKE_PORT_FILE="$a"; exec %[4]s -test.run '^TestFakeServer$'
`, home, version, scala, os.Args[0])
	err := errors.Join(os.Mkdir(filepath.Join(home, "bin"), 0o755), os.Mkdir(filepath.Join(home, "jars"), 0o755),
		os.WriteFile(filepath.Join(home, "bin", "spark-submit"), []byte(script), 0o755),
		os.WriteFile(filepath.Join(home, "jars", "spark-core_"+scala+"-"+version+".jar"), nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// recorded returns the lines that the fake spark-submit wrote.
func recorded(t *testing.T, home, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(home, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func TestSubmit(t *testing.T) {
	isolate(t, &registry{})
	home := fakeHome(t, "4.9.0", "2.13")
	t.Setenv("SPARK_REMOTE", "sc://elsewhere")
	t.Setenv("SPARK_SUBMIT_OPTS", "-Dmine=1")
	submitter, err := FindSubmitter(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	s, err := submitter.Start(t.Context(), SubmitOptions{Args: []string{"--master", "spark://h:7077", "--name", "mine"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	args, env := recorded(t, home, "args"), recorded(t, home, "env")
	want := []string{"--name", "firesteel", "--master", "spark://h:7077", "--name", "mine", "--deploy-mode", "client",
		"--conf", "spark.connect.grpc.binding.address=127.0.0.1", "--conf", "spark.connect.grpc.binding.port=0", "--class", serverClass,
		filepath.Join(s.folder, "firesteel-server.jar"), filepath.Join(s.folder, "port")}
	if !slices.Equal(args, want) {
		t.Errorf("the arguments of spark-submit are %q; want %q", args, want)
	}
	if len(s.Token()) < 20 || !slices.Contains(env, "SPARK_CONNECT_AUTHENTICATE_TOKEN="+s.Token()) || !slices.Contains(env, "SPARK_SUBMIT_OPTS=-Djava.io.tmpdir="+filepath.Join(s.folder, "tmp")+" -Dmine=1") || slices.Contains(env, "SPARK_REMOTE=sc://elsewhere") {
		t.Errorf("token %q, environment %q", s.Token(), env)
	}
	if err := s.Failure(); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if !groupEnded(s.PID()) {
		t.Error("the server is left")
	}
	nothingLeft(t)

	_, err = submitter.Start(t.Context(), SubmitOptions{Args: []string{"--conf", "k=die"}})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("a spark-submit that fails: %v", err)
	}
	nothingLeft(t)
}

// Spark 3.5 gets a jar with the Connect server and firesteel's classes. Its
// spark-submit need not be next to its jars.
func TestSubmitOldSpark(t *testing.T) {
	const name = "spark-connect_2.12-3.5.9.jar"
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	_, err = w.Create("org_") // becomes a folder, stored as Java's tools do
	_, err2 := w.Create("org/Connect.class")
	if err = errors.Join(err, err2, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	jar, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	jar = bytes.ReplaceAll(jar, []byte("org_"), []byte("org/"))
	folder := "/maven/org/apache/spark/spark-connect_2.12/3.5.9/" + name
	isolate(t, &registry{files: map[string][]byte{folder: jar, folder + ".sha1": []byte(fmt.Sprintf("%x", sha1.Sum(jar)))}})

	home := fakeHome(t, "3.5.9", "2.12")
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "spark-submit"), []byte("#!/bin/sh\nexec "+home+"/bin/spark-submit \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPARK_HOME", "")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	submitter, err := FindSubmitter(t.Context(), "")
	if want := (Submitter{filepath.Join(bin, "spark-submit"), Distribution{Version: "3.5.9", Scala: "2.12"}}); err != nil || submitter != want {
		t.Fatalf("%+v, %v; want %+v", submitter, err, want)
	}
	serverFiles := []string{"firesteel/FileServerGuard$1.class", "firesteel/FileServerGuard$Files.class", "firesteel/FileServerGuard$Guarded.class", "firesteel/FileServerGuard.class",
		"firesteel/Server.class", "firesteel/TokenInterceptor$1.class", "firesteel/TokenInterceptor.class"}
	for options, want := range map[string][]string{
		"": append([]string{"org/", "org/Connect.class"}, serverFiles...),
		"--packages org.apache.spark:spark-connect_2.12:3.5.9": serverFiles,
	} {
		s, err := submitter.Start(t.Context(), SubmitOptions{Args: strings.Fields(options), Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if args := recorded(t, home, "args"); !slices.Equal(args[len(args)-4:len(args)-2], []string{"--class", serverClass}) {
			t.Errorf("Spark 3.5 starts its server without a token: %q", args)
		}
		r, err := zip.OpenReader(filepath.Join(home, "app.jar"))
		if err != nil {
			t.Fatal(err)
		}
		var entries []string
		for _, e := range r.File {
			entries = append(entries, e.Name)
		}
		r.Close()
		if !slices.Equal(entries, want) {
			t.Errorf("%s: the jar contains %q; want %q", options, entries, want)
		}
	}
}
