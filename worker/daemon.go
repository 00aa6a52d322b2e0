package worker

import (
	"bufio"
	"crypto/rand"
	"crypto/subtle"
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

// handshakeTime bounds what comes before a connection's first task; Spark
// does it in one breath.
const handshakeTime = 30 * time.Second

// maxSecret bounds the secret, which Spark makes of some 40 characters.
const maxSecret = 4096

func (p *process) flag(name string) bool { return strings.EqualFold(p.getenv(name), "true") }

// serveDaemon listens, tells Spark where, and serves connections until stdin
// ends. The error is why it could not begin, or stopped before.
func (p *process) serveDaemon(stdin io.Reader, stdout io.Writer) error {
	unix := p.flag("PYTHON_UNIX_DOMAIN_ENABLED")
	secret := p.getenv("PYTHON_WORKER_FACTORY_SECRET")
	if !unix && secret == "" {
		return errors.New("PYTHON_WORKER_FACTORY_SECRET is not set: this command line is for Spark to use, not for people")
	}
	listener, address, err := p.listen(unix)
	if err != nil {
		return fmt.Errorf("listening for Spark: %w", err)
	}
	defer listener.Close()
	if _, err := stdout.Write(address); err != nil {
		return fmt.Errorf("telling Spark the address: %w", err)
	}
	stopped := make(chan error, 2)
	go func() {
		defer panics.Handle("accepting connections", func(err error) { stopped <- err })
		stopped <- p.accept(listener, !unix, secret)
	}()
	go func() {
		defer panics.Handle("reading what Spark wants killed", func(err error) { stopped <- err })
		stopped <- p.readKills(stdin)
	}()
	return <-stopped
}

// listen opens the socket; address is what Spark wants to read.
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
	unproven := newUnproven(p.log, openFiles())
	for {
		conn, err := l.Accept()
		if err != nil {
			if ne, ok := err.(interface{ Temporary() bool }); ok && ne.Temporary() { // out of file descriptors, say
				unproven.makeRoom(err)
				time.Sleep(10 * time.Millisecond)
				continue
			}
			return fmt.Errorf("accepting connections from Spark: %w", err)
		}
		unproven.add(conn)
		go func() {
			defer panics.Handle("serving a connection", nil)
			defer conn.Close()
			c := newConnection(p, conn)
			if err := c.greet(authenticate, secret); err != nil {
				unproven.giveUp(conn, err)
				return
			}
			unproven.prove(conn)
			c.serve()
		}()
	}
}

// readKills reads the process ids that Spark wants killed until stdin ends. All
// of them are this process's own, which serves other tasks too: a task that is
// given up shows itself by its closed connection.
func (p *process) readKills(stdin io.Reader) error {
	for {
		var b [4]byte
		if _, err := io.ReadFull(stdin, b[:]); err != nil {
			return nil
		}
		p.log.Debug("Spark asks to kill a task's worker", "worker", binary.BigEndian.Uint32(b[:]))
	}
}

// serveAlone serves the one task of a process that Spark started without the
// daemon.
func (p *process) serveAlone() error {
	p.log.Warn("spark.python.use.daemon is false: every task starts a process and loads the model anew")
	network, address := "unix", p.getenv("PYTHON_WORKER_FACTORY_SOCK_PATH")
	if address == "" {
		port, err := strconv.ParseUint(p.getenv("PYTHON_WORKER_FACTORY_PORT"), 10, 16)
		if err != nil || port == 0 {
			return errors.New("neither PYTHON_WORKER_FACTORY_SOCK_PATH nor PYTHON_WORKER_FACTORY_PORT is set: this command line is for Spark to use, not for people")
		}
		host := "127.0.0.1"
		if p.flag("SPARK_PREFER_IPV6") {
			host = "::1"
		}
		network, address = "tcp", net.JoinHostPort(host, strconv.FormatUint(port, 10))
	}
	conn, err := net.DialTimeout(network, address, handshakeTime)
	if err != nil {
		return fmt.Errorf("connecting to Spark: %w", err)
	}
	defer conn.Close()
	c := newConnection(p, conn)
	if network == "tcp" {
		if err := c.introduce(p.getenv("PYTHON_WORKER_FACTORY_SECRET")); err != nil {
			return err
		}
	}
	if err := c.send(appendInt(nil, os.Getpid())); err != nil {
		return fmt.Errorf("greeting Spark: %w", err)
	}
	c.serve()
	return nil
}

func newConnection(p *process, conn net.Conn) *connection {
	return &connection{process: p, conn: conn, r: bufio.NewReaderSize(quickReader(conn), 64<<10), w: bufio.NewWriterSize(conn, 64<<10)}
}

func (c *connection) send(b []byte) error {
	if _, err := c.w.Write(b); err != nil {
		return err
	}
	return c.w.Flush()
}

// greet opens a connection that Spark made: our process id, then its secret or,
// on a Unix socket, the beginning of its first task.
func (c *connection) greet(authenticate bool, secret string) error {
	if err := c.conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	if err := c.send(appendInt(nil, os.Getpid())); err != nil {
		return err
	}
	if authenticate {
		d := &wireReader{r: c.r}
		given := d.bytes("secret", maxSecret)
		if d.err != nil {
			return d.err
		}
		if subtle.ConstantTimeCompare(given, []byte(secret)) != 1 {
			return errors.Join(errors.New("wrong secret"), c.send(appendText(nil, "err")))
		}
		if err := c.send(appendText(nil, "ok")); err != nil {
			return err
		}
	}
	if !authenticate {
		if _, err := c.r.Peek(1); err != nil {
			return err
		}
	}
	return c.conn.SetDeadline(time.Time{})
}

// introduce says the secret on a connection that we made.
func (c *connection) introduce(secret string) error {
	if err := c.send(appendText(nil, secret)); err != nil {
		return fmt.Errorf("saying the secret to Spark: %w", err)
	}
	d := &wireReader{r: c.r}
	if answer := d.bytes("answer to the secret", maxSecret); d.err != nil || string(answer) != "ok" {
		return errors.Join(errors.New("Spark did not accept this worker's secret"), d.err)
	}
	return nil
}
