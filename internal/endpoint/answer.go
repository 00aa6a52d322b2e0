package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// answer is the content of a chat completion or a completion.
type answer struct {
	text              string
	finish            llm.Finish
	reasoned          bool           // the model is known to have used tokens for reasoning
	separateReasoning bool           // the server returned reasoning in a separate field, so the text has none
	positions         []wirePosition // empty without log probabilities
	usage             *wireUsage     // as the server reports it; nil if it does not
	refused           error          // why this is no answer, though all is in good order
}

// errUnreadable means that an answer does not have the form in wire.go. It may
// have been charged.
var errUnreadable = errors.New("the server's answer does not have the form of OpenAI's API")

type wireAnswer struct {
	Choices []wireChoice    `json:"choices"`
	Usage   json.RawMessage `json:"usage"`
}

type wireChoice struct {
	Message  *wireReply      `json:"message"`
	Text     json.RawMessage `json:"text"`
	Finish   json.RawMessage `json:"finish_reason"`
	Logprobs json.RawMessage `json:"logprobs"`
	Error    json.RawMessage `json:"error"`
}

// wireReply is a message of the model. Servers that return its reasoning
// separately use one of three names for it.
type wireReply struct {
	Content          json.RawMessage `json:"content"`
	Refusal          json.RawMessage `json:"refusal"`
	Reasoning        json.RawMessage `json:"reasoning"`
	ReasoningContent json.RawMessage `json:"reasoning_content"`
	Thinking         json.RawMessage `json:"thinking"`
}

// parseAnswer parses the body of a chat completion or a completion. It returns a
// *statusError if the body reports an error.
func parseAnswer(body []byte) (answer, error) {
	if err := bodyError(body); err != nil {
		return answer{}, err
	}
	var w wireAnswer
	if err := json.Unmarshal(body, &w); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errUnreadable, notJSON(body, err))
	}
	a := answer{usage: readUsage(w.Usage)}
	if len(w.Choices) != 1 {
		return a, sensitive.Errorf("%w: it has %d choices instead of one: %s", errUnreadable, len(w.Choices), quote(body))
	}
	c := w.Choices[0]
	if c.Message == nil && isNull(c.Text) {
		return a, sensitive.Errorf("%w: it has no text: %s", errUnreadable, quote(body))
	}
	content, refusal := readContent(c.Text), ""
	if m := c.Message; m != nil {
		content, refusal = readContent(m.Content), textOf(m.Refusal)
		a.separateReasoning = textOf(m.Reasoning) != "" || textOf(m.ReasoningContent) != "" || textOf(m.Thinking) != ""
	}
	a.text = content.text
	a.separateReasoning = a.separateReasoning || content.reasoning
	a.reasoned = a.separateReasoning || a.usage.reasoned()
	if refusal == "" {
		refusal = content.refusal
	}
	var brokenOff error
	a.finish, a.refused, brokenOff = readFinish(c.Finish)
	if brokenOff != nil {
		return a, brokenOff
	}
	if refusal != "" {
		a.refused = sensitive.Errorf("the model refused: %s", sensitive.Text(shorten(refusal)))
	}
	a.positions = readLogprobs(c.Logprobs)
	return a, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// textOf returns the value of a JSON string, or "" for other values.
func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// content is the content of a message.
type content struct {
	text, refusal string
	reasoning     bool // it has separate parts with reasoning
}

// wirePart is one part of a content that is a list. Mistral and others return
// the model's reasoning as separate parts.
type wirePart struct {
	Type    string          `json:"type"`
	Text    json.RawMessage `json:"text"`
	Refusal string          `json:"refusal"`
}

// readContent reads a text, or a list of parts, whose texts it joins. Any other
// value is a JSON answer that the server has already parsed.
func readContent(raw json.RawMessage) content {
	if isNull(raw) {
		return content{}
	}
	switch raw[0] {
	case '"':
		return content{text: textOf(raw)}
	case '[':
		var parts []json.RawMessage
		if json.Unmarshal(raw, &parts) != nil {
			return content{}
		}
		var all content
		for _, p := range parts {
			if !all.add(p) {
				return content{text: string(raw)}
			}
		}
		return all
	case '{':
		var one content
		if one.add(raw) {
			return one
		}
	}
	return content{text: string(raw)}
}

// add adds a part. It returns false if raw is not a part.
func (c *content) add(raw json.RawMessage) bool {
	if raw[0] == '"' {
		c.text += textOf(raw)
		return true
	}
	var p wirePart
	if raw[0] != '{' || json.Unmarshal(raw, &p) != nil || p.Type == "" {
		return false
	}
	switch kind := strings.ToLower(p.Type); {
	case kind == "text" || kind == "output_text":
		// Some servers send {"text": {"value": "..."}}.
		var inner struct{ Value string }
		if json.Unmarshal(p.Text, &inner) == nil {
			c.text += inner.Value
		}
		c.text += textOf(p.Text)
	case kind == "refusal":
		c.refusal += p.Refusal
	case strings.Contains(kind, "think"), strings.Contains(kind, "reason"), strings.Contains(kind, "thought"):
		c.reasoning = true
	}
	// Other parts, such as references and images, have no text.
	return true
}

// wireUsage is the usage that a server reports. A missing or invalid number is
// nil.
type wireUsage struct {
	Prompt, Completion, Reasoning *float64
}

func readUsage(raw json.RawMessage) *wireUsage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		return nil
	}
	var details map[string]json.RawMessage
	_ = json.Unmarshal(fields["completion_tokens_details"], &details)
	return &wireUsage{readNumber(fields["prompt_tokens"]), readNumber(fields["completion_tokens"]), readNumber(details["reasoning_tokens"])}
}

func readNumber(raw json.RawMessage) *float64 {
	if isNull(raw) {
		return nil
	}
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil {
		return nil
	}
	return &n
}

// reasoned reports whether the server counted tokens for reasoning.
func (u *wireUsage) reasoned() bool { return u != nil && u.Reasoning != nil && *u.Reasoning > 0 }
