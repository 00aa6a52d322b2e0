package spark

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"

	"github.com/firesteel/firesteel/internal/bundle"
)

// processors are those that executors may have.
var processors = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

// workerPrograms checks the programs at paths, or this one if there are none.
func workerPrograms(paths []string) ([]bundle.Program, error) {
	if len(paths) == 0 {
		p, err := ownProgram()
		return []bundle.Program{p}, err
	}
	var programs []bundle.Program
	first := map[string]string{}
	for _, path := range paths {
		p, err := workerProgram(path, "build it with CGO_ENABLED=0 GOOS=linux GOARCH=amd64")
		if err != nil {
			return nil, err
		}
		if other, twice := first[p.CPU]; twice {
			return nil, fmt.Errorf("%s and %s are both for %s; name one worker for each processor", other, path, p.CPU)
		}
		first[p.CPU] = path
		programs = append(programs, p)
	}
	return programs, nil
}

func ownProgram() (bundle.Program, error) {
	if !bundle.CanServe() {
		return bundle.Program{}, errors.New("this program cannot be Spark's worker: its main must call worker.Main() first, or name another program by spark.WithProgram")
	}
	path, err := os.Executable()
	if err != nil {
		return bundle.Program{}, fmt.Errorf("finding this program's own file: %w", err)
	}
	return workerProgram(path, "build it with CGO_ENABLED=0 GOOS=linux GOARCH=amd64, and name it by spark.WithProgram (--worker for the firesteel command)")
}

// workerProgram checks that a program can be the executors' worker.
func workerProgram(path, advice string) (bundle.Program, error) {
	f, err := elf.Open(path)
	var format *elf.FormatError
	switch {
	case errors.As(err, &format):
		return bundle.Program{}, fmt.Errorf("%s is not a program for Linux, where executors run it; %s", path, advice)
	case err != nil:
		return bundle.Program{}, fmt.Errorf("reading the worker's program: %w", err)
	}
	defer f.Close()
	cpu, known := processors[f.Machine]
	if !known {
		return bundle.Program{}, fmt.Errorf("%s is a program for %v; executors are amd64 or arm64", path, f.Machine)
	}
	return bundle.Program{Path: path, CPU: cpu}, nil
}
