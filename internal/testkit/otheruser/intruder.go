//go:build linux

package otheruser

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/firesteel/firesteel/internal/procfs"
)

// variable holds the orders of a test program that runs as the other user.
const variable = "FIRESTEEL_TEST_INTRUDER"

func init() {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	var o orders
	err := json.Unmarshal([]byte(text), &o)
	switch {
	case err == nil && o.Attack != nil:
		err = json.NewEncoder(os.Stdout).Encode(o.Attack.run())
	case err == nil && o.Thief != nil:
		err = o.Thief.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// orders are what the other user does: an attack or a theft.
type orders struct {
	Attack *attack
	Thief  *thief
}

// command returns a command that runs the test program as the user ID.
func command(t testing.TB, o orders) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can run a process as another user of this machine")
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("/proc/self/exe") // ID may have no access to its folder
	c.Dir, c.Env = "/", []string{variable + "=" + string(text)}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ID, Gid: ID}, Pdeathsig: syscall.SIGKILL}
	return c
}

// Attack attacks a Spark server as another user: the process pid or a descendant
// of it. It tries all ports of these processes, and tries to read the token and a
// file of the server's user. The test fails if an attempt succeeds.
func Attack(t *testing.T, pid int) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can run a process as another user of this machine")
	}
	server, err := find(pid)
	if err != nil {
		t.Fatal(err)
	}
	code := Call(server.address, server.token)
	if _, err := strconv.Atoi(code); err != nil || code == Unauthenticated {
		t.Fatalf("the server answers %q to a call with its token, so the attack would show nothing", code)
	}
	const content = "the content of a file of mode 600"
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	child := command(t, orders{Attack: &attack{server.address, server.ports, secret, server.private}})
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got loot
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for what, code := range got.Calls {
		if code != Unauthenticated {
			t.Errorf("another user's call with %s has the status %s, not %s", what, code, Unauthenticated)
		}
	}
	if len(got.Read) > 0 {
		t.Errorf("another user can read %q", got.Read)
	}
	if strings.Contains(server.lines, server.token) {
		t.Errorf("a command line shows the token: %s", server.lines)
	}
	// One of the ports is that of Spark's driver. It states that it refuses.
	noFile, noMessage := false, false
	for _, port := range got.Ports {
		noFile = noFile || strings.Contains(port.File, "the connection is not authenticated")
		noMessage = noMessage || strings.Contains(strings.ToLower(port.Message), "sasl")
		if strings.Contains(port.File, content) {
			t.Errorf("port %d sends another user a file of the server's user: %q", port.Port, port.File)
		}
		if strings.Contains(port.Message, "deserializ") || strings.Contains(port.Message, "Unsupported message") {
			t.Errorf("port %d deserializes an object that another user sends: %s", port.Port, port.Message)
		}
	}
	if !noFile || !noMessage {
		t.Errorf("no port of %v states that it refuses (files: %v, messages: %v): %+v", server.ports, noFile, noMessage, got.Ports)
	}
}

// server is a server that is attacked.
type server struct {
	address string // of the Connect server
	token   string
	ports   []int    // of all its processes
	private []string // files and folders that other users must not read
	lines   string   // command lines of all its processes
}

// find returns the server that runs as the process pid or as a descendant of it.
// Only the server's user and root can find it.
func find(pid int) (*server, error) {
	family, err := family(pid)
	if err != nil {
		return nil, err
	}
	var s server
	for _, pid := range family {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue // it has ended
		}
		environ := fmt.Sprintf("/proc/%d/environ", pid)
		ports, err := listeners(pid)
		if err != nil {
			return nil, err
		}
		s.ports = append(s.ports, ports...)
		s.private = append(s.private, environ)
		s.lines += strings.ReplaceAll(string(line), "\x00", " ") + "\n"
		words := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		portFile := words[len(words)-1]
		port, err := os.ReadFile(portFile)
		if !slices.Contains(words, "firesteel.Server") || err != nil {
			continue
		}
		s.address = "127.0.0.1:" + string(port)
		s.private = append(s.private, portFile, filepath.Dir(portFile))
		text, err := os.ReadFile(environ)
		if err != nil {
			return nil, err
		}
		_, token, _ := strings.Cut("\x00"+string(text), "\x00SPARK_CONNECT_AUTHENTICATE_TOKEN=")
		s.token, _, _ = strings.Cut(token, "\x00")
	}
	if s.address == "" || s.token == "" {
		return nil, fmt.Errorf("process %d and its descendants are no server: %s", pid, s.lines)
	}
	return &s, nil
}

// Token returns the token of the server that runs as the process pid or as a
// descendant of it.
func Token(t testing.TB, pid int) string {
	t.Helper()
	server, err := find(pid)
	if err != nil {
		t.Fatal(err)
	}
	return server.token
}

// family returns a process and its descendants.
func family(pid int) ([]int, error) {
	all, err := procfs.All()
	if err != nil {
		return nil, err
	}
	found := []int{pid}
	for i := 0; i < len(found); i++ {
		for child, p := range all {
			if p.Parent == found[i] {
				found = append(found, child)
			}
		}
	}
	return found, nil
}

// listeners returns the TCP ports on which a process listens.
func listeners(pid int) ([]int, error) {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			own[to] = true
		}
	}
	var ports []int
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, line := range strings.Split(string(text), "\n")[1:] {
			// Number, local address, remote address, state, ...; the tenth field is the inode.
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != "0A" || !own["socket:["+fields[9]+"]"] {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", table, err)
			}
			ports = append(ports, int(port))
		}
	}
	return ports, nil
}
