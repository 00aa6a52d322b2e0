package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/hidden"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/llm"
)

// OpenAI's HTTP interface, as much of it as is used here. All bodies are JSON.
//
//	POST /chat/completions {model, messages: [{role, content}], max_tokens, temperature, logprobs, top_logprobs, response_format}
//	    -> {choices: [{message: {content, refusal}, finish_reason, logprobs: {content: [{token, logprob, top_logprobs: [...]}]}}],
//	        usage: {prompt_tokens, completion_tokens}}
//	POST /completions {model, prompt, max_tokens, temperature, logprobs: N}
//	    -> {choices: [{text, finish_reason, logprobs: {tokens, token_logprobs, top_logprobs: [{token: logprob}]}}], usage}
//	       (llama-server sends the chat form of logprobs here too)
//	POST /embeddings {model, input: [...], encoding_format: "float"}
//	    -> {data: [{index, embedding: [...]}], usage: {prompt_tokens}}
//	errors: {error: {message, code, type, param}}, or {error: "..."}, or {message|detail: "..."}

// The most that is read of an answer.
const (
	maxAnswerBytes     = 16 << 20
	maxEmbeddingsBytes = 64 << 20
	maxErrorBytes      = 64 << 10
)

type wireMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// wireRequest is the body of a chat or, with Prompt, a completion.
type wireRequest struct {
	Model               string          `json:"model"`
	Messages            []wireMessage   `json:"messages,omitempty"`
	Prompt              string          `json:"prompt,omitempty"`
	MaxTokens           int             `json:"max_tokens,omitempty"`
	MaxCompletionTokens int             `json:"max_completion_tokens,omitempty"`
	Temperature         *float64        `json:"temperature,omitempty"`
	Logprobs            any             `json:"logprobs,omitempty"` // true, or a completion's number
	TopLogprobs         int             `json:"top_logprobs,omitempty"`
	ResponseFormat      *responseFormat `json:"response_format,omitempty"`
}

type responseFormat struct {
	Type       string      `json:"type"`
	JSONSchema *namedShape `json:"json_schema,omitempty"`
}

type namedShape struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

type wireLogprob struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
}

type wirePosition struct {
	wireLogprob
	Top []wireLogprob `json:"top_logprobs"`
}

type wireLogprobs struct {
	Content []wirePosition `json:"content"`
	// The older form of completions.
	Tokens        []string             `json:"tokens"`
	TokenLogprobs []*float64           `json:"token_logprobs"`
	TopLogprobs   []map[string]float64 `json:"top_logprobs"`
}

type wireUsage struct {
	Prompt     *float64 `json:"prompt_tokens"`
	Completion *float64 `json:"completion_tokens"`
}

type wireAnswer struct {
	Choices []struct {
		Message *struct {
			Content *string `json:"content"`
			Refusal *string `json:"refusal"`
		} `json:"message"`
		Text     *string       `json:"text"`
		Finish   *string       `json:"finish_reason"`
		Logprobs *wireLogprobs `json:"logprobs"`
	} `json:"choices"`
	Usage *wireUsage `json:"usage"`
}

// answer is a parsed wireAnswer.
type answer struct {
	text      string
	finish    llm.Finish
	positions []wirePosition // empty without logprobs
	usage     *wireUsage     // as claimed
	refused   error          // why there is no text, in good order
}

// errUnreadable is an answer that is not of the form above. It was charged.
var errUnreadable = errors.New("the server's answer is not what OpenAI's interface promises")

// parseAnswer reads the body of a chat or a completion.
func parseAnswer(body []byte) (answer, error) {
	var w wireAnswer
	if err := json.Unmarshal(body, &w); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errUnreadable, notJSON(body, err))
	}
	if len(w.Choices) != 1 {
		return answer{usage: w.Usage}, fmt.Errorf("%w: it holds %d choices instead of one", errUnreadable, len(w.Choices))
	}
	c := w.Choices[0]
	a := answer{usage: w.Usage, finish: llm.FinishStop}
	switch {
	case c.Message != nil && c.Message.Refusal != nil && *c.Message.Refusal != "":
		a.refused = hidden.Errorf("the model refused: %s", hidden.Text(shorten(*c.Message.Refusal)))
	case c.Message != nil && c.Message.Content != nil:
		a.text = *c.Message.Content
	case c.Text != nil:
		a.text = *c.Text
	case c.Message == nil || c.Finish == nil || *c.Finish != "length":
		// A reasoning model may have used all its tokens before its answer.
		return a, fmt.Errorf("%w: it holds no text", errUnreadable)
	}
	if c.Finish != nil {
		switch *c.Finish {
		case "length":
			a.finish = llm.FinishLength
		case "content_filter":
			a.refused = errors.New("the server's content filter stopped the answer")
		}
	}
	a.positions = c.Logprobs.positions()
	return a, nil
}

// maxPositions and maxTop bound what is kept of log probabilities.
const (
	maxPositions = 256
	maxTop       = 64
)

// positions gives both forms in one; whatever is no log probability is left out.
func (w *wireLogprobs) positions() []wirePosition {
	if w == nil {
		return nil
	}
	found := w.Content
	if len(found) == 0 {
		for i := range min(len(w.Tokens), len(w.TokenLogprobs), len(w.TopLogprobs), maxPositions) {
			if w.TokenLogprobs[i] == nil {
				return nil
			}
			p := wirePosition{wireLogprob: wireLogprob{w.Tokens[i], *w.TokenLogprobs[i]}}
			for token, lp := range w.TopLogprobs[i] {
				p.Top = append(p.Top, wireLogprob{token, lp})
			}
			found = append(found, p)
		}
	}
	found = found[:min(len(found), maxPositions)]
	for i := range found {
		p := &found[i]
		p.Top = p.Top[:min(len(p.Top), maxTop)]
		for _, t := range append(p.Top, p.wireLogprob) {
			// llama-server rounds the sum of certain tokens to a little over 1.
			if math.IsNaN(t.Logprob) || t.Logprob > 0.01 {
				return nil
			}
		}
	}
	return found
}

type wireEmbeddings struct {
	Data []struct {
		Index     *int      `json:"index"`
		Embedding []float64 `json:"embedding"`
	} `json:"data"`
	Usage *wireUsage `json:"usage"`
}

// parseEmbeddings gives n vectors of length 1, in the order of the inputs. The
// usage is what the server claims.
func parseEmbeddings(body []byte, n int) ([][]float32, *wireUsage, error) {
	var w wireEmbeddings
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnreadable, notJSON(body, err))
	}
	if len(w.Data) != n {
		return nil, w.Usage, fmt.Errorf("%w: %d vectors for %d texts", errUnreadable, len(w.Data), n)
	}
	vectors := make([][]float32, n)
	for at, d := range w.Data {
		if d.Index != nil {
			at = *d.Index
		}
		if at < 0 || at >= n || vectors[at] != nil {
			return nil, w.Usage, fmt.Errorf("%w: vectors with wrong indexes", errUnreadable)
		}
		if len(d.Embedding) == 0 || len(d.Embedding) != len(w.Data[0].Embedding) {
			return nil, w.Usage, fmt.Errorf("%w: vectors of %d and %d numbers", errUnreadable, len(w.Data[0].Embedding), len(d.Embedding))
		}
		sum := 0.0
		for _, x := range d.Embedding {
			sum += x * x
		}
		length := math.Sqrt(sum)
		if !(length > 0) || math.IsInf(length, 0) {
			return nil, w.Usage, fmt.Errorf("%w: a vector without direction", errUnreadable)
		}
		vectors[at] = make([]float32, len(d.Embedding))
		for i, x := range d.Embedding {
			vectors[at][i] = float32(x / length)
		}
	}
	return vectors, w.Usage, nil
}

// serverError is what the body of an error says, on one line. note is of ours.
type serverError struct{ message, code, note string }

func parseError(body []byte) serverError {
	var w struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &w) != nil {
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
			return serverError{note: "a web page"}
		}
		return serverError{message: shorten(string(body))}
	}
	var inner struct {
		Message string `json:"message"`
		Code    any    `json:"code"`
		Type    string `json:"type"`
	}
	if json.Unmarshal(w.Error, &inner) == nil && inner.Message != "" {
		code, _ := inner.Code.(string)
		if code == "" {
			code = inner.Type
		}
		return serverError{message: shorten(inner.Message), code: shorten(code)}
	}
	for _, raw := range []json.RawMessage{w.Error, w.Message, w.Detail} {
		if len(raw) > 0 {
			text := string(raw)
			_ = json.Unmarshal(raw, &text)
			return serverError{message: shorten(text)}
		}
	}
	return serverError{message: shorten(string(body))}
}

func notJSON(body []byte, err error) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("it is empty")
	}
	return hidden.Errorf("%w, in %s", hidden.JSON(err), hidden.Text(shorten(string(body[:min(len(body), maxErrorBytes)]))))
}

// shorten makes foreign text fit for one line of an error. Secrets go first: a
// piece of one that is cut off would not be found later.
func shorten(s string) string {
	const most = 300
	s = secret.Hide(s)
	cut := len(s) > most
	if cut {
		s = s[:most]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
	}
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return ' '
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if cut {
		s += "..."
	}
	return s
}
