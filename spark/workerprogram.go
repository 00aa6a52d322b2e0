package spark

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"

	"github.com/firesteel/firesteel/internal/bundle"
)

// processors are the supported processors of executors, by Go's names.
var processors = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

// NotLinuxError reports that a program cannot be the executors' worker because it
// is not a Linux executable.
type NotLinuxError struct {
	Path string
	// Self reports that Path is this program, used because WithProgram names none.
	Self bool
}

func (e *NotLinuxError) Error() string {
	text := e.Path + " is not a Linux executable, which executors need: build one with CGO_ENABLED=0 GOOS=linux GOARCH=amd64"
	if e.Self {
		text += " and name it with spark.WithProgram"
	}
	return text
}

// workerPrograms checks the programs at paths, or this program if paths is empty.
func workerPrograms(paths []string) ([]bundle.Program, error) {
	if len(paths) == 0 {
		p, err := ownProgram()
		return []bundle.Program{p}, err
	}
	var programs []bundle.Program
	first := map[string]string{}
	for _, path := range paths {
		p, err := workerProgram(path, false)
		if err != nil {
			return nil, err
		}
		if other, twice := first[p.CPU]; twice {
			return nil, fmt.Errorf("%s and %s are both for %s; name one program for each processor", other, path, p.CPU)
		}
		first[p.CPU] = path
		programs = append(programs, p)
	}
	return programs, nil
}

func ownProgram() (bundle.Program, error) {
	if !bundle.CanServe() {
		return bundle.Program{}, errors.New("this program cannot be Spark's worker: call worker.Main() first in its main function, or name another program with spark.WithProgram")
	}
	path, err := os.Executable()
	if err != nil {
		return bundle.Program{}, fmt.Errorf("finding the path of this program: %w", err)
	}
	return workerProgram(path, true)
}

// workerProgram checks that a program can be the executors' worker. self is as in
// NotLinuxError.
func workerProgram(path string, self bool) (bundle.Program, error) {
	f, err := elf.Open(path)
	var format *elf.FormatError
	switch {
	case errors.As(err, &format):
		return bundle.Program{}, &NotLinuxError{Path: path, Self: self}
	case err != nil:
		return bundle.Program{}, fmt.Errorf("reading the worker program: %w", err)
	}
	defer f.Close()
	cpu, known := processors[f.Machine]
	if !known {
		return bundle.Program{}, fmt.Errorf("%s is a program for %v; the executors' processors are amd64 or arm64", path, f.Machine)
	}
	return bundle.Program{Path: path, CPU: cpu}, nil
}
