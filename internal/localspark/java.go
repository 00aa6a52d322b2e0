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

// findJava returns the path of a java that can run a version of Spark. It uses
// JAVA_HOME or, if that is not set, PATH.
func findJava(ctx context.Context, sparkVersion string) (string, error) {
	lowest, highest := 17, 0
	needs := "Java 17 or later"
	if before(sparkVersion, 4, 0) {
		// Java 24 removed a method that the Hadoop of Spark 3.5 calls.
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
		return "", fmt.Errorf("no Java found by %s, and Spark %s needs %s: %w\n  %s", from, sparkVersion, needs, err, installJava())
	}
	version, err := javaVersion(ctx, path)
	if err != nil {
		return "", fmt.Errorf("%s (found by %s) does not work: %w\n  %s", path, from, err, installJava())
	}
	if version < lowest || highest > 0 && version > highest {
		return "", fmt.Errorf("%s (found by %s) is Java %d, but Spark %s needs %s\n  %s", path, from, version, sparkVersion, needs, installJava())
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

// javaTimeout bounds the time of java -version.
var javaTimeout = 20 * time.Second

// javaVersion returns the feature number of a Java: 17 for "17.0.15", 8 for
// "1.8.0_402". It reads the file release of the JDK or, without it, runs java.
func javaVersion(ctx context.Context, java string) (int, error) {
	if real, err := filepath.EvalSymlinks(java); err == nil {
		release, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(real)), "release"))
		if err == nil {
			if m := releaseLine.FindSubmatch(release); m != nil {
				return feature(m[1])
			}
		}
	}
	limited, cancel := context.WithTimeout(ctx, javaTimeout)
	defer cancel()
	command := exec.CommandContext(limited, java, "-version")
	command.WaitDelay = time.Second // child processes of a script may keep the output open
	out, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if limited.Err() != nil {
		return 0, fmt.Errorf("java -version has not ended after %s", javaTimeout)
	}
	if err != nil {
		return 0, fmt.Errorf("java -version: %w: %s", err, bytes.TrimSpace(out))
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("java -version prints no version: %q", bytes.TrimSpace(out))
	}
	return feature(m[1])
}

func feature(version []byte) (int, error) {
	m := numbers.FindSubmatch(version)
	if m == nil {
		return 0, fmt.Errorf("unknown form of Java's version: %q", version)
	}
	return strconv.Atoi(string(m[1]))
}
