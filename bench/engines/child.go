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

// child is a process that first writes a line of JSON, when it is ready, and
// then answers each line, a job, by one, an outcome.
type child struct {
	command *exec.Cmd
	tell    io.WriteCloser
	hear    *bufio.Reader
}

func startChild(ctx context.Context, ready any, name string, args ...string) (*child, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Stderr = os.Stderr
	c := &child{command: command}
	var err error
	if c.tell, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.hear = bufio.NewReader(out)
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
	line, err := c.hear.ReadBytes('\n')
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
	if _, err := c.tell.Write(append(line, '\n')); err != nil {
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

// peak reads the high-water mark of the process's resident memory, files that
// are mapped included.
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
	return 0, errors.New("the kernel does not say how much memory a process has had")
}

func (c *child) stop() {
	c.tell.Close()
	_ = c.command.Wait()
}

func (c *child) contestant(name string) *contestant {
	return &contestant{name: name, do: c.do, peak: c.peak, pid: c.command.Process.Pid, stop: c.stop}
}
