package lineage

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/secret"
)

// Variables of other OpenLineage clients that hold here, too.
const (
	keyVariable       = "OPENLINEAGE_API_KEY"   // sent as a bearer token
	namespaceVariable = "OPENLINEAGE_NAMESPACE" // of jobs
	parentVariable    = "OPENLINEAGE_PARENT_ID" // NAMESPACE/JOB/RUN of what started this process
)

// Namespace is the namespace of jobs.
func Namespace() string { return cmp.Or(os.Getenv(namespaceVariable), "firesteel") }

// ParentRun returns the run that the environment names as the one that started this process; nil if it names none.
func ParentRun() (*Parent, error) {
	text := os.Getenv(parentVariable)
	if text == "" {
		return nil, nil
	}
	last := strings.LastIndexByte(text, '/')
	namespace, name, ok := strings.Cut(text[:max(last, 0)], "/")
	if !ok || namespace == "" || name == "" || !isUUID(text[last+1:]) {
		return nil, fmt.Errorf("%s is %q, but must be NAMESPACE/JOB/RUN, where RUN is a UUID", parentVariable, text)
	}
	return &Parent{namespace, name, text[last+1:]}, nil
}

// Sender sends events to a server or appends them to a file.
type Sender struct {
	to   *url.URL
	key  string
	http *http.Client
	file string // empty for an address
}

// AddressError reports an address that cannot be that of a server of lineage.
type AddressError struct{ Address, Problem string }

func (e *AddressError) Error() string {
	return fmt.Sprintf("the address %s %s; write http://host:5000 or https://host", e.Address, e.Problem)
}

// FileError reports a file that has something else than events.
type FileError struct{ Path string }

func (e *FileError) Error() string {
	return e.Path + " has something else than OpenLineage events; name another file"
}

// Open makes a sender to an address, http://HOST or https://HOST, or to a file, which gets one event a line. Without a path, the address
// has that of the specification, /api/v1/lineage. It connects to nothing and writes nothing.
func Open(to string) (*Sender, error) {
	if !strings.Contains(to, "://") {
		return openFile(to)
	}
	u, err := url.Parse(to)
	switch {
	case err != nil:
		return nil, &AddressError{to, "is malformed"}
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, &AddressError{to, "has the scheme " + u.Scheme}
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, &AddressError{to, "has no host, or a part that is not of an address"}
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	policy := egress.FromEnvironment()
	if err := policy.Check(net.JoinHostPort(u.Hostname(), port)); err != nil {
		return nil, err
	}
	if strings.Trim(u.Path, "/") == "" {
		u = u.JoinPath("api/v1/lineage")
	}
	s := &Sender{to: u, key: os.Getenv(keyVariable)}
	secret.Add(s.key)
	if s.key != "" && u.Scheme == "http" && !egress.Loopback(u.Hostname()) {
		return nil, &AddressError{to, "would get the key of " + keyVariable + " unencrypted"}
	}
	s.http = egress.Client(&http.Transport{Proxy: egress.Proxy, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return egress.Dial(ctx, network, address, policy)
	}})
	s.http.Timeout = 10 * time.Second
	return s, nil
}

func openFile(path string) (*Sender, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%s: there is no such folder", filepath.Dir(path))
		}
		return &Sender{file: path}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A mistyped name must not append to data.
	line, err := bufio.NewReader(io.LimitReader(f, 64<<20)).ReadBytes('\n')
	var first struct {
		EventTime string `json:"eventTime"`
		Producer  string `json:"producer"`
	}
	if len(line) > 0 && (err != nil || json.Unmarshal(line, &first) != nil || first.EventTime == "" || first.Producer == "") {
		return nil, &FileError{path}
	}
	return &Sender{file: path}, nil
}

// Send sends an event.
func (s *Sender) Send(ctx context.Context, event []byte) error {
	if s.file != "" {
		f, err := os.OpenFile(s.file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(append(event, '\n')) // one write, because others may append, too
		return errors.Join(err, f.Close())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.to.String(), bytes.NewReader(event))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		r.Header.Set("Authorization", "Bearer "+s.key)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		return fmt.Errorf("%s answered with the status %s: %s", s.to.Host, answer.Status, strings.TrimSpace(string(text)))
	}
	return nil
}
