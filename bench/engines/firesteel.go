package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/llm"
)

// firesteel starts this program as a child that runs our engine with the best instruction set.
func (s settings) firesteel(name, model string, precision llm.Precision) func(context.Context) (*contestant, error) {
	return s.firesteelSet(name, model, precision, "")
}

// firesteelSet starts this program as a child that runs our engine with the named instruction set.
// The best set of the machine is not measured by its name.
func (s settings) firesteelSet(name, model string, precision llm.Precision, isa string) func(context.Context) (*contestant, error) {
	return func(ctx context.Context) (*contestant, error) {
		if !s.selected(name) {
			return nil, nil
		}
		if best, err := kernel.Select(""); err != nil || best.Name == isa {
			return nil, err
		}
		program, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c, err := startChild(ctx, &struct{}{}, []string{"FIRESTEEL_ISA=" + isa}, program, "-child", model, "-precision", string(precision), "-threads", strconv.Itoa(s.threads))
		if err != nil {
			return nil, err
		}
		return c.contestant(name), nil
	}
}

// serve is the main function of the child.
func serve(ctx context.Context, path, precision string, threads int) error {
	p, err := llm.ParsePrecision(precision)
	if err != nil {
		return err
	}
	do := func(j job) outcome {
		out, err := multiply(j, p, threads)
		if err != nil {
			out.Error = err.Error()
		}
		return out
	}
	if path != kernelsOnly {
		engine, err := engine.Open(ctx, path, engine.Options{Threads: threads, Precision: p, IgnoreEnd: true, AnswerBytes: -1})
		if err != nil {
			return err
		}
		defer engine.Close()
		do = func(j job) outcome { return answerJob(ctx, engine, j) }
	}
	answer := json.NewEncoder(os.Stdout)
	if err := answer.Encode(struct{}{}); err != nil {
		return err
	}
	for lines := bufio.NewReader(os.Stdin); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil // the parent has closed the pipe
		}
		var j job
		if err := json.Unmarshal(line, &j); err != nil {
			return err
		}
		if err := answer.Encode(do(j)); err != nil {
			return err
		}
	}
}

// answerJob answers a job with our engine.
func answerJob(ctx context.Context, engine llm.Model, j job) outcome {
	if j.Embed {
		return embedJob(ctx, engine, j)
	}
	requests := make([]llm.Request, len(j.Requests))
	for i, r := range j.Requests {
		requests[i] = llm.Request{Prefix: r.Prefix, Text: r.Text, MaxTokens: r.Max}
		if len(r.Labels) > 0 {
			requests[i].Constraint = llm.Choice{Labels: r.Labels}
		}
	}
	results, err := engine.Do(ctx, requests)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	var out outcome
	for _, r := range results {
		if r.Err != nil {
			return outcome{Error: r.Err.Error()}
		}
		switch j.Unit {
		case rows:
			out.Units++
		case promptTokens:
			out.Units += r.PromptTokens
		case newTokens:
			out.Units += r.OutputTokens
		}
		out.Answers = append(out.Answers, r.Text)
	}
	return out
}

// embedJob computes a vector for each row. The answer of a row is its vector, rounded.
func embedJob(ctx context.Context, engine llm.Model, j job) outcome {
	requests := make([]llm.EmbedRequest, len(j.Requests))
	for i, r := range j.Requests {
		requests[i].Text = r.Text
	}
	embeddings, err := engine.Embed(ctx, requests)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	out := outcome{Units: len(embeddings)}
	for _, e := range embeddings {
		if e.Err != nil {
			return outcome{Error: e.Err.Error()}
		}
		out.Answers = append(out.Answers, fmt.Sprintf("%.5f", e.Vector))
	}
	return out
}

// Units of jobs.
const (
	rows         = "rows"
	promptTokens = "tokens of prompts"
	newTokens    = "new tokens"
)
