package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// slots is the number of requests that the server of llama.cpp answers at once. With more it was
// not faster.
const slots = 8

// llama starts the server of llama.cpp. Requests go over HTTP.
func (s settings) llama(name, model string) func(context.Context) (*contestant, error) {
	return func(ctx context.Context) (*contestant, error) {
		if !s.selected(name) {
			return nil, nil
		}
		if s.server != "" {
			return s.startNative(ctx, name, model)
		}
		var server llamaServer
		process, err := s.startPython(ctx, &server, "llama", model, strconv.Itoa(s.threads))
		if err != nil {
			return nil, err
		}
		c := process.contestant(name)
		c.do = server.do
		return c, nil
	}
}

// startNative starts a llama-server with the settings that peers.py gives the Python package, and waits until it has
// loaded the model.
func (s settings) startNative(ctx context.Context, name, model string) (*contestant, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	listener.Close()
	threads := strconv.Itoa(s.threads)
	command := exec.CommandContext(ctx, s.server, "--model", model, "--threads", threads, "--threads-batch", threads, "--parallel", strconv.Itoa(slots),
		"--ctx-size", strconv.Itoa(slots*1024), "--cache-ram", "0", "--no-webui", "--host", "127.0.0.1", "--port", port)
	if err := command.Start(); err != nil {
		return nil, err
	}
	process := &child{command: command}
	stop := func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	}
	server := llamaServer{"http://127.0.0.1:" + port}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		response, err := client.Get(server.URL + "/health")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			stop()
			return nil, fmt.Errorf("%s does not answer: %w", s.server, cmp.Or(err, errors.New("it has not loaded the model")))
		}
	}
	return &contestant{name: name, do: server.do, peak: process.peak, pid: command.Process.Pid, stop: stop}, nil
}

type llamaServer struct{ URL string }

func (l llamaServer) do(ctx context.Context, j job) (outcome, error) {
	biases := map[string]any{}
	if labels := j.Requests[0].Labels; len(labels) > 0 {
		// A large equal bias for the labels and greedy sampling: the fastest way for the server to
		// compare labels of one token.
		var bias [][2]int
		for _, label := range labels {
			var out struct{ Tokens []int }
			if err := l.post(ctx, "/tokenize", map[string]any{"content": label}, &out); err != nil {
				return outcome{}, err
			}
			if len(out.Tokens) != 1 {
				return outcome{}, fmt.Errorf("the label %q has %d tokens, expected 1", label, len(out.Tokens))
			}
			bias = append(bias, [2]int{out.Tokens[0], 1000})
		}
		biases["logit_bias"] = bias
	}
	out := outcome{Answers: make([]string, len(j.Requests))}
	units := make([]int, len(j.Requests))
	errs := make([]error, slots)
	var next atomic.Int64
	var all sync.WaitGroup
	for slot := range slots {
		all.Go(func() {
			for errs[slot] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(j.Requests) {
					return
				}
				out.Answers[i], units[i], errs[slot] = l.complete(ctx, j.Unit, j.Requests[i], biases)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return outcome{}, err
		}
	}
	for _, n := range units {
		out.Units += n
	}
	return out, nil
}

// complete sends one request and returns the answer and the number of units.
func (l llamaServer) complete(ctx context.Context, unit string, r request, more map[string]any) (string, int, error) {
	body := map[string]any{
		"prompt": r.Prefix + r.Text, "n_predict": r.Max, "temperature": 0, "ignore_eos": true,
		"cache_prompt": r.Prefix != "", // the cache helps if rows share a prefix
	}
	if len(r.Labels) > 0 {
		body["n_predict"] = 1
	}
	for key, value := range more {
		body[key] = value
	}
	var out struct {
		Content   string
		Evaluated int `json:"tokens_evaluated"`
		Predicted int `json:"tokens_predicted"`
	}
	if err := l.post(ctx, "/completion", body, &out); err != nil {
		return "", 0, err
	}
	return out.Content, map[string]int{rows: 1, promptTokens: out.Evaluated, newTokens: out.Predicted}[unit], nil
}

// client keeps one connection for each slot.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: slots}}

func (l llamaServer) post(ctx context.Context, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("llama.cpp: %s: %.300s", response.Status, text)
	}
	return json.Unmarshal(text, answer)
}
