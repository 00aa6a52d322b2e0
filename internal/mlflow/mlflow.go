// Package mlflow writes a run to an MLflow tracking server, by its REST API 2.0.
package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// Run is what is written.
type Run struct {
	Experiment string // made if it does not exist
	Name       string
	Params     []Param
	Metrics    []Metric
	Tags       []Param
	Artifacts  []Artifact
}

// Param is a parameter or a tag.
type Param struct{ Key, Value string }

// Metric is a number. One that is not finite is left out.
type Metric struct {
	Key   string
	Value float64
}

// Artifact is a file of a run.
type Artifact struct {
	Name    string
	Content []byte
}

// Limits of the server: values of parameters, entries of a batch.
const (
	maxParam   = 6000
	maxMetrics = 1000
	maxParams  = 100
)

// Error is an answer of the server that is not a success.
type Error struct {
	Path    string
	Status  int
	Code    string // such as RESOURCE_DOES_NOT_EXIST
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("MLflow refused %s with the status %d %s: %s", e.Path, e.Status, e.Code, e.Message)
}

type client struct {
	base *url.URL
	http *http.Client
}

// Log writes a run, and returns its page. The address is that of the server, such as http://localhost:5000. Name and password, or a token,
// are in the variables of MLflow: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.
func Log(ctx context.Context, address string, r Run) (page string, err error) {
	base, err := check(address)
	if err != nil {
		return "", err
	}
	policy := egress.FromEnvironment()
	c := &client{base, egress.Client(&http.Transport{Proxy: egress.Proxy, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return egress.Dial(ctx, network, address, policy)
	}})}
	c.http.Timeout = time.Minute
	experiment, err := c.experiment(ctx, r.Experiment)
	if err != nil {
		return "", err
	}
	var made struct {
		Run struct {
			Info struct {
				ID          string `json:"run_id"`
				ArtifactURI string `json:"artifact_uri"`
			} `json:"info"`
		} `json:"run"`
	}
	begun := time.Now().UnixMilli()
	if err := c.call(ctx, http.MethodPost, "api/2.0/mlflow/runs/create", map[string]any{"experiment_id": experiment, "run_name": r.Name, "start_time": begun, "tags": pairs(r.Tags)}, &made); err != nil {
		return "", err
	}
	id := made.Run.Info.ID
	status := "FAILED"
	defer func() {
		end := map[string]any{"run_id": id, "status": status, "end_time": time.Now().UnixMilli()}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // also of a run that is interrupted
		defer cancel()
		if e := c.call(last, http.MethodPost, "api/2.0/mlflow/runs/update", end, nil); err == nil {
			err = e
		}
	}()
	if err := c.batches(ctx, id, r, begun); err != nil {
		return "", err
	}
	for _, a := range r.Artifacts {
		if err := c.put(ctx, made.Run.Info.ArtifactURI, a); err != nil {
			return "", err
		}
	}
	status = "FINISHED"
	return base.String() + "/#/experiments/" + experiment + "/runs/" + id, nil
}

// Check returns an error for an address that is not that of a server, or that the policy of the process forbids.
func Check(address string) error {
	_, err := check(address)
	return err
}

func check(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil {
		return nil, errors.New("the address of MLflow must be like http://localhost:5000, without a name and password")
	}
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	return base, egress.FromEnvironment().Check(net.JoinHostPort(base.Hostname(), port))
}

// experiment returns the id of an experiment.
func (c *client) experiment(ctx context.Context, name string) (string, error) {
	var found struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"experiment"`
	}
	err := c.call(ctx, http.MethodGet, "api/2.0/mlflow/experiments/get-by-name?experiment_name="+url.QueryEscape(name), nil, &found)
	if err == nil {
		return found.Experiment.ID, nil
	}
	if e, ok := err.(*Error); !ok || e.Code != "RESOURCE_DOES_NOT_EXIST" {
		return "", err
	}
	var made struct {
		ID string `json:"experiment_id"`
	}
	err = c.call(ctx, http.MethodPost, "api/2.0/mlflow/experiments/create", map[string]any{"name": name}, &made)
	return made.ID, err
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func pairs(params []Param) []pair {
	all := []pair{}
	for _, p := range params {
		v := p.Value
		if len(v) > maxParam {
			v = strings.ToValidUTF8(v[:maxParam-3], "") + "..."
		}
		all = append(all, pair{key(p.Key), v})
	}
	return all
}

// notKey matches what keys of MLflow must not have.
var notKey = regexp.MustCompile(`[^A-Za-z0-9_\-. /:]+`)

func key(name string) string {
	name = notKey.ReplaceAllString(name, "_")
	return name[:min(len(name), 250)]
}

func (c *client) batches(ctx context.Context, id string, r Run, at int64) error {
	type metric struct {
		Key       string  `json:"key"`
		Value     float64 `json:"value"`
		Timestamp int64   `json:"timestamp"`
		Step      int     `json:"step"`
	}
	metrics := []metric{}
	for _, m := range r.Metrics {
		if !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
			metrics = append(metrics, metric{key(m.Key), m.Value, at, 0})
		}
	}
	params := pairs(r.Params)
	for first := true; first || len(metrics)+len(params) > 0; first = false {
		p, m := min(maxParams, len(params)), min(maxMetrics-maxParams, len(metrics))
		if err := c.call(ctx, http.MethodPost, "api/2.0/mlflow/runs/log-batch", map[string]any{"run_id": id, "params": params[:p], "metrics": metrics[:m]}, nil); err != nil {
			return err
		}
		params, metrics = params[p:], metrics[m:]
	}
	return nil
}

// put writes an artifact through the server. A server that does not serve artifacts, but names a place for them, refuses.
func (c *client) put(ctx context.Context, uri string, a Artifact) error {
	rest, ok := strings.CutPrefix(uri, "mlflow-artifacts:/")
	if !ok || strings.HasPrefix(rest, "/") {
		return fmt.Errorf("the run's artifacts are at %s, which is not the server itself: its artifacts must be served by it", uri)
	}
	path := "api/2.0/mlflow-artifacts/artifacts/" + strings.Trim(rest, "/") + "/" + url.PathEscape(a.Name)
	return c.send(ctx, http.MethodPut, path, "application/octet-stream", a.Content, nil)
}

func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	return c.send(ctx, method, path, "application/json", text, answer)
}

// maxAnswer bounds an answer of the server.
const maxAnswer = 1 << 20

func (c *client) send(ctx context.Context, method, path, kind string, body []byte, answer any) error {
	name, query, _ := strings.Cut(path, "?")
	to := c.base.JoinPath(name)
	to.RawQuery = query
	request, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", kind)
	if token := os.Getenv("MLFLOW_TRACKING_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	} else if user := os.Getenv("MLFLOW_TRACKING_USERNAME"); user != "" {
		request.SetBasicAuth(user, os.Getenv("MLFLOW_TRACKING_PASSWORD"))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		e := &Error{Path: name, Status: response.StatusCode}
		var told struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		if json.Unmarshal(text, &told) == nil {
			e.Code, e.Message = told.Code, told.Message
		}
		if e.Message == "" {
			e.Message = fmt.Sprintf("%.200q", text)
		}
		return e
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("MLflow's answer to %s is malformed: %w", name, err)
	}
	return nil
}
