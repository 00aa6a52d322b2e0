package worker

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/panics"
)

// handshakeTimeout bounds the time from a connection's start to its first task.
const handshakeTimeout = 30 * time.Second

// maxSecret bounds the length of the secret in bytes. Spark's has some 40.
const maxSecret = 4096

func (p *process) flag(name string) bool { return strings.EqualFold(p.getenv(name), "true") }

// serveDaemon listens, writes the address to stdout for Spark, and serves
// connections until stdin ends. It returns an error if it could not start or
// stopped before that.
func (p *process) serveDaemon(stdin io.Reader, stdout io.Writer) error {
	unix := p.flag("PYTHON_UNIX_DOMAIN_ENABLED")
	secret := p.getenv("PYTHON_WORKER_FACTORY_SECRET")
	if !unix && secret == "" {
		return errors.New("PYTHON_WORKER_FACTORY_SECRET is not set: only Spark uses this command line")
	}
	listener, address, err := p.listen(unix)
	if err != nil {
		return fmt.Errorf("listening for Spark: %w", err)
	}
	defer listener.Close()
	if _, err := stdout.Write(address); err != nil {
		return fmt.Errorf("writing the address for Spark: %w", err)
	}
	stopped := make(chan error, 2)
	go func() {
		defer panics.Handle("accepting connections", func(err error) { stopped <- err })
		stopped <- p.accept(listener, !unix, secret)
	}()
	go func() {
		defer panics.Handle("reading kill requests", func(err error) { stopped <- err })
		stopped <- p.readKills(stdin)
	}()
	return <-stopped
}

// listen opens the socket. address is encoded as Spark reads it.
func (p *process) listen(unix bool) (l net.Listener, address []byte, err error) {
	if unix {
		dir := p.getenv("PYTHON_WORKER_FACTORY_SOCK_DIR")
		if dir == "" {
			return nil, nil, errors.New("PYTHON_UNIX_DOMAIN_ENABLED is set, but PYTHON_WORKER_FACTORY_SOCK_DIR is not")
		}
		path := filepath.Join(dir, "."+strings.ToLower(rand.Text())+".sock")
		if l, err = net.Listen("unix", path); err != nil {
			return nil, nil, fmt.Errorf("%w (a Unix socket's path has at most 107 bytes; this one has %d: see spark.python.unix.domain.socket.dir)", err, len(path))
		}
		p.setSocket(path)
		return l, appendText(nil, path), nil
	}
	host := "127.0.0.1"
	if p.flag("SPARK_PREFER_IPV6") {
		host = "::1"
	}
	if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
		return nil, nil, err
	}
	return l, appendInt(nil, l.Addr().(*net.TCPAddr).Port), nil
}

func (p *process) accept(l net.Listener, authenticate bool, secret string) error {
	handshakes := newHandshakes(p.log, maxOpenFiles())
	for {
		conn, err := l.Accept()
		if err != nil {
			if ne, ok := err.(interface{ Temporary() bool }); ok && ne.Temporary() { // such as a lack of file descriptors
				handshakes.closeOldest(err.Error())
				time.Sleep(10 * time.Millisecond)
				continue
			}
			return fmt.Errorf("accepting connections from Spark: %w", err)
		}
		handshakes.begin(conn)
		go func() {
			defer panics.Handle("serving a connection", nil)
			defer conn.Close()
			c := newConnection(p, conn)
			if err := c.handshake(authenticate, secret); err != nil {
				handshakes.fail(conn, err)
				return
			}
			handshakes.complete(conn)
			c.serve()
		}()
	}
}

// readKills reads the ids of the processes that Spark asks to kill, until stdin
// ends, and ignores them. Each is the id of this process, which serves other
// tasks too. Spark also closes the connection of the task.
func (p *process) readKills(stdin io.Reader) error {
	for {
		var b [4]byte
		if _, err := io.ReadFull(stdin, b[:]); err != nil {
			return nil
		}
		p.log.Debug("Spark asks to kill the worker of a task", "worker", binary.BigEndian.Uint32(b[:]))
	}
}

// serveWithoutDaemon serves the single task of a process that Spark started
// without the daemon.
func (p *process) serveWithoutDaemon() error {
	p.log.Warn("spark.python.use.daemon is false: every task starts a process and loads the model again")
	network, address := "unix", p.getenv("PYTHON_WORKER_FACTORY_SOCK_PATH")
	if address == "" {
		port, err := strconv.ParseUint(p.getenv("PYTHON_WORKER_FACTORY_PORT"), 10, 16)
		if err != nil || port == 0 {
			return errors.New("neither PYTHON_WORKER_FACTORY_SOCK_PATH nor PYTHON_WORKER_FACTORY_PORT is set: only Spark uses this command line")
		}
		host := "127.0.0.1"
		if p.flag("SPARK_PREFER_IPV6") {
			host = "::1"
		}
		network, address = "tcp", net.JoinHostPort(host, strconv.FormatUint(port, 10))
	}
	conn, err := net.DialTimeout(network, address, handshakeTimeout)
	if err != nil {
		return fmt.Errorf("connecting to Spark: %w", err)
	}
	defer conn.Close()
	c := newConnection(p, conn)
	if network == "tcp" {
		if err := c.authenticate(p.getenv("PYTHON_WORKER_FACTORY_SECRET")); err != nil {
			return err
		}
	}
	if err := c.send(appendInt(nil, os.Getpid())); err != nil {
		return fmt.Errorf("sending the process id to Spark: %w", err)
	}
	c.serve()
	return nil
}
