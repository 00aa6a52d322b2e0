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

// answer is what a chat or a completion gave.
type answer struct {
	text      string
	finish    llm.Finish
	thought   bool           // the model's reasoning is known to have taken tokens
	apart     bool           // it came beside the text, so none is in the text
	positions []wirePosition // empty without log probabilities
	usage     *wireUsage     // as claimed
	refused   error          // why this is no answer, though all is in good order
}

// errUnreadable is an answer that is not of the form in wire.go. It was charged.
var errUnreadable = errors.New("the server's answer is not what OpenAI's interface promises")

type wireAnswer struct {
	Choices []wireChoice    `json:"choices"`
	Usage   json.RawMessage `json:"usage"`
}

type wireChoice struct {
	Message  *wireAnswered   `json:"message"`
	Text     json.RawMessage `json:"text"`
	Finish   json.RawMessage `json:"finish_reason"`
	Logprobs json.RawMessage `json:"logprobs"`
	Error    json.RawMessage `json:"error"`
}

// wireAnswered is a message of the model. Servers that keep its reasoning apart
// send it under one of three names.
type wireAnswered struct {
	Content          json.RawMessage `json:"content"`
	Refusal          json.RawMessage `json:"refusal"`
	Reasoning        json.RawMessage `json:"reasoning"`
	ReasoningContent json.RawMessage `json:"reasoning_content"`
	Thinking         json.RawMessage `json:"thinking"`
}

// parseAnswer reads the body of a chat or a completion. Its error is a
// *statusError where the body says that there was one.
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
		return a, sensitive.Errorf("%w: it holds %d choices instead of one, in %s", errUnreadable, len(w.Choices), quote(body))
	}
	c := w.Choices[0]
	if c.Message == nil && isNull(c.Text) {
		return a, sensitive.Errorf("%w: it holds no text, in %s", errUnreadable, quote(body))
	}
	content, refusal := readContent(c.Text), ""
	if m := c.Message; m != nil {
		content, refusal = readContent(m.Content), textOf(m.Refusal)
		a.apart = textOf(m.Reasoning) != "" || textOf(m.ReasoningContent) != "" || textOf(m.Thinking) != ""
	}
	a.text = content.text
	a.apart = a.apart || content.reasoning
	a.thought = a.apart || a.usage.reasoned()
	if refusal == "" {
		refusal = content.refusal
	}
	var trouble error
	a.finish, a.refused, trouble = readFinish(c.Finish)
	if trouble != nil {
		return a, trouble
	}
	if refusal != "" {
		a.refused = sensitive.Errorf("the model refused: %s", sensitive.Text(shorten(refusal)))
	}
	a.positions = readLogprobs(c.Logprobs)
	return a, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// textOf is a JSON string; "" for everything else.
func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// content is what a message says.
type content struct {
	text, refusal string
	reasoning     bool // parts of reasoning stand beside the text
}

// wirePart is one part of a content that is a list. Mistral and others put the
// model's reasoning into parts of their own.
type wirePart struct {
	Type    string          `json:"type"`
	Text    json.RawMessage `json:"text"`
	Refusal string          `json:"refusal"`
}

// readContent reads a text, or a list of parts, whose texts are joined. A value
// that is neither is the answer in JSON of a server that has parsed it already.
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

// add takes a part in; false says that it is none.
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
		// Some have {"text": {"value": "..."}}.
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
	// References, images and what else there is are no text.
	return true
}

// wireUsage is a claim; what is missing or no number is nil.
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

// reasoned: the server says that tokens went into reasoning.
func (u *wireUsage) reasoned() bool { return u != nil && u.Reasoning != nil && *u.Reasoning > 0 }
