package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// child is a process that executes jobs. It writes a line of JSON when it is ready. Then it reads a
// job from each line of its input and writes an outcome to a line of its output.
type child struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// startChild starts a program with more environment variables and reads its first line into ready.
func startChild(ctx context.Context, ready any, environment []string, name string, args ...string) (*child, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	c := &child{command: command}
	var err error
	if c.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := command.Start(); err != nil {
		return nil, err
	}
	if err := c.read(ready); err != nil {
		c.stop()
		return nil, fmt.Errorf("%s: %w", strings.Join(command.Args, " "), err)
	}
	return c, nil
}

func (c *child) read(value any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the process ended: %w", err)
	}
	return json.Unmarshal(line, value)
}

func (c *child) do(_ context.Context, j job) (outcome, error) {
	line, err := json.Marshal(j)
	if err != nil {
		return outcome{}, err
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		return outcome{}, err
	}
	var out outcome
	if err := c.read(&out); err != nil {
		return outcome{}, err
	}
	if out.Error != "" {
		return outcome{}, errors.New(out.Error)
	}
	return out, nil
}

// peak returns the maximum resident memory of the process so far, including mapped files.
func (c *child) peak() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.Fields(kb)[0], 10, 64)
			return n * 1024, err
		}
	}
	return 0, errors.New("the kernel does not report the maximum memory of the process")
}

func (c *child) stop() {
	c.in.Close()
	_ = c.command.Wait()
}

func (c *child) contestant(name string) *contestant {
	return &contestant{name: name, do: c.do, peak: c.peak, pid: c.command.Process.Pid, stop: c.stop}
}
