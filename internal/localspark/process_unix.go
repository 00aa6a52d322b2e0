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

// process is the server: the leader of a process group that also holds what
// Spark starts (executors, workers).
type process struct {
	pid     int
	done    chan struct{}
	waitErr error // after done
	guard   *exec.Cmd
	leash   io.Closer
}

// guardScript ends the group and removes its folder when its standard input
// ends, as happens when this process dies, however it dies.
const guardScript = `trap '' INT TERM HUP
cat >/dev/null
kill -s TERM -- "-$1" 2>/dev/null
n=0
while kill -s 0 -- "-$1" 2>/dev/null && [ $n -lt 30 ]; do sleep 0.1; n=$((n+1)); done
kill -s KILL -- "-$1" 2>/dev/null
rm -rf -- "$2"
`

// start runs l. The lock is inherited, and held as long as the server lives.
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
	// Away from the terminal's group: an interrupt is for us, who then stop
	// the server. A detached one leaves the terminal's session too.
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
		if err := p.watch(folder); err != nil {
			p.stop(0)
			return nil, fmt.Errorf("guard of the server: %w", err)
		}
	}
	return p, nil
}

// watch starts the guard. It has a group of its own, so that what ends this
// process's group leaves it to do its work.
func (p *process) watch(folder string) error {
	guard := exec.Command("/bin/sh", "-c", guardScript, "sh", strconv.Itoa(p.pid), folder)
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	leash, err := guard.StdinPipe()
	if err != nil {
		return err
	}
	if err := guard.Start(); err != nil {
		return err
	}
	p.guard, p.leash = guard, leash
	return nil
}

// stop ends the group: asked first, and forced after grace.
func (p *process) stop(grace time.Duration) error {
	if grace > 0 {
		syscall.Kill(-p.pid, syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(grace):
		}
	}
	// What is left of the group, its leader included.
	if err := syscall.Kill(-p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("ending process group %d: %w", p.pid, err)
	}
	<-p.done
	if p.guard != nil {
		// The group is gone, so the guard has nothing to do; its own end must
		// come before the number of the group can belong to another.
		p.guard.Process.Kill()
		p.leash.Close()
		p.guard.Wait()
	}
	return nil
}
