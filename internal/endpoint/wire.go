package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// The part of OpenAI's HTTP API that is used here. All bodies are JSON.
//
//	POST /chat/completions {model, messages: [{role, content}], max_tokens, temperature, logprobs, top_logprobs, response_format}
//	    -> {choices: [{message: {content, refusal}, finish_reason, logprobs: {content: [{token, logprob, top_logprobs: [...]}]}}],
//	        usage: {prompt_tokens, completion_tokens}}
//	       (content is a text, null, or a list of parts: [{type: "text", text}])
//	POST /completions {model, prompt, max_tokens, temperature, logprobs: N}
//	    -> {choices: [{text, finish_reason, logprobs: {tokens, token_logprobs, top_logprobs: [{token: logprob}]}}], usage}
//	       (llama-server sends the chat form of logprobs here too)
//	POST /embeddings {model, input: [...], encoding_format: "float"}
//	    -> {data: [{index, embedding: [...]}], usage: {prompt_tokens}}
//	errors: see bodyerror.go
//
// Fields that are not necessary for an answer (log probabilities, usage) are
// parsed separately, so that an invalid value does not lose the answer.

// Limits of the bytes that are read of a response.
const (
	maxAnswerBytes     = 16 << 20
	maxEmbeddingsBytes = 64 << 20
	maxErrorBytes      = 64 << 10
)

type wireMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// wireRequest is the body of a chat completion or, with Prompt, a completion.
type wireRequest struct {
	Model               string          `json:"model"`
	Messages            []wireMessage   `json:"messages,omitempty"`
	Prompt              string          `json:"prompt,omitempty"`
	MaxTokens           int             `json:"max_tokens,omitempty"`
	MaxCompletionTokens int             `json:"max_completion_tokens,omitempty"`
	Temperature         *float64        `json:"temperature,omitempty"`
	Logprobs            any             `json:"logprobs,omitempty"` // true, or a number for a completion
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

// notJSON describes the problem of a body and quotes its start.
func notJSON(body []byte, err error) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("it is empty")
	}
	return sensitive.Errorf("%w: %s", sensitive.JSON(err), quote(body))
}

// quote returns the start of a body as content.
func quote(body []byte) sensitive.Text {
	return sensitive.Text(shorten(string(body[:min(len(body), maxErrorBytes)])))
}

// shorten makes text from a server fit on one line of an error. It hides secrets
// first, because part of a secret would not be recognised later.
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
