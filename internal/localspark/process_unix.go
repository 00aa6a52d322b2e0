//go:build unix

package localspark

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/panics"
)

// process is the server's process. It leads a process group, to which the
// processes that Spark starts (executors, workers) belong.
type process struct {
	pid        int
	done       chan struct{}
	waitErr    error // valid after done is closed
	guard      *exec.Cmd
	guardStdin io.Closer
}

// guardScript ends the process group and removes the folder when its standard
// input ends, which happens whenever this process ends.
const guardScript = `trap '' INT TERM HUP
cat >/dev/null
kill -s TERM -- "-$1" 2>/dev/null
n=0
while kill -s 0 -- "-$1" 2>/dev/null && [ $n -lt 30 ]; do sleep 0.1; n=$((n+1)); done
kill -s KILL -- "-$1" 2>/dev/null
rm -rf -- "$2"
`

// start starts l. The process inherits the lock and holds it until it ends.
func start(l launch, logFile string, lock *fetch.FileLock, folder string) (*process, error) {
	log, err := privatefile.OpenLog(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(l.path, l.args...)
	command.Env, command.Dir = l.env, l.dir
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{lock.File()}
	// The server leaves the terminal's process group, because Ctrl-C must reach
	// only this process, which then stops the server. A detached server leaves
	// the terminal's session too.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: !l.detach, Setsid: l.detach}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{pid: command.Process.Pid, done: make(chan struct{})}
	go func() {
		defer panics.Handle("waiting for the server", nil)
		p.waitErr = command.Wait()
		if p.waitErr == nil {
			p.waitErr = errors.New("exit status 0")
		}
		close(p.done)
	}()
	if !l.detach {
		if err := p.startGuard(folder); err != nil {
			p.stop(0)
			return nil, fmt.Errorf("starting the server's guard: %w", err)
		}
	}
	return p, nil
}

// startGuard starts the guard in a separate process group, so that a signal to
// this process's group does not end it.
func (p *process) startGuard(folder string) error {
	guard := exec.Command("/bin/sh", "-c", guardScript, "sh", strconv.Itoa(p.pid), folder)
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := guard.StdinPipe()
	if err != nil {
		return err
	}
	if err := guard.Start(); err != nil {
		return err
	}
	p.guard, p.guardStdin = guard, stdin
	return nil
}

// stop ends the process group: by SIGTERM and, after grace, by SIGKILL.
func (p *process) stop(grace time.Duration) error {
	if grace > 0 {
		syscall.Kill(-p.pid, syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(grace):
		}
	}
	// End the rest of the group, including its leader.
	if err := syscall.Kill(-p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("ending process group %d: %w", p.pid, err)
	}
	<-p.done
	if p.guard != nil {
		// The group has ended. End the guard before another group can get the
		// same number.
		p.guard.Process.Kill()
		p.guardStdin.Close()
		p.guard.Wait()
	}
	return nil
}
