package localspark

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"
)

// findJava gives the path of a java that can run this version of Spark.
func findJava(ctx context.Context, sparkVersion string) (string, error) {
	lowest, highest := 17, 0
	needs := "Java 17 or later"
	if before(sparkVersion, 4, 0) {
		// Java 24 took away what Spark 3.5's Hadoop calls.
		lowest, highest = 8, 23
		needs = "Java 8, 11 or 17"
	}
	var path string
	var err error
	from := "PATH"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		from = "JAVA_HOME"
		path, err = exec.LookPath(filepath.Join(home, "bin", "java"))
	} else {
		path, err = exec.LookPath("java")
	}
	if err != nil {
		return "", fmt.Errorf("Spark %s needs %s, and none is found (by %s): %w\n  %s", sparkVersion, needs, from, err, installJava())
	}
	version, err := javaVersion(ctx, path)
	if err != nil {
		return "", fmt.Errorf("%s (found by %s) does not work: %w\n  %s", path, from, err, installJava())
	}
	if version < lowest || highest > 0 && version > highest {
		return "", fmt.Errorf("Spark %s needs %s; %s (found by %s) is Java %d\n  %s", sparkVersion, needs, path, from, version, installJava())
	}
	return path, nil
}

func installJava() string {
	if runtime.GOOS == "darwin" {
		return "To install it: brew install openjdk@17, then export JAVA_HOME=$(brew --prefix openjdk@17)"
	}
	return "To install it: sudo apt install openjdk-17-jre-headless, or: sudo dnf install java-17-openjdk-headless; JAVA_HOME chooses among several"
}

var (
	releaseLine = regexp.MustCompile(`(?m)^JAVA_VERSION="([^"]*)"`)
	versionLine = regexp.MustCompile(`version "([^"]*)"`)
	numbers     = regexp.MustCompile(`^(?:1\.)?(\d+)`)
)

// javaPatience is how long a Java may take to tell its version.
var javaPatience = 20 * time.Second

// javaVersion is the feature number, 17 for "17.0.15" and 8 for "1.8.0_402".
// The file release of a JDK spares starting it.
func javaVersion(ctx context.Context, java string) (int, error) {
	if real, err := filepath.EvalSymlinks(java); err == nil {
		release, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(real)), "release"))
		if err == nil {
			if m := releaseLine.FindSubmatch(release); m != nil {
				return feature(m[1])
			}
		}
	}
	limited, cancel := context.WithTimeout(ctx, javaPatience)
	defer cancel()
	command := exec.CommandContext(limited, java, "-version")
	command.WaitDelay = time.Second // what a script started may hold its output open
	out, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if limited.Err() != nil {
		return 0, fmt.Errorf("java -version has not ended after %s", javaPatience)
	}
	if err != nil {
		return 0, fmt.Errorf("java -version: %w: %s", err, bytes.TrimSpace(out))
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("java -version says %q", bytes.TrimSpace(out))
	}
	return feature(m[1])
}

func feature(version []byte) (int, error) {
	m := numbers.FindSubmatch(version)
	if m == nil {
		return 0, fmt.Errorf("java calls its version %q", version)
	}
	return strconv.Atoi(string(m[1]))
}
