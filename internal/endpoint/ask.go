package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// question is the input of one request: messages or, if there are none, a
// prompt to continue.
type question struct {
	messages  []llm.Message
	prompt    string
	maxTokens int // limit of the answer; 0 means the server's default
	logprobs  int // number of log probabilities at each position
	format    *responseFormat
	probe     bool // a request that finds out what the server supports
}

// asChat converts a prompt to a message of the user.
func (q question) asChat() question {
	if len(q.messages) == 0 {
		q.messages = []llm.Message{{Role: llm.User, Text: q.prompt}}
		q.prompt = ""
	}
	return q
}

// withTurns appends messages. The messages of q do not change.
func (q question) withTurns(turns ...llm.Message) question {
	q = q.asChat()
	q.messages = append(q.messages[:len(q.messages):len(q.messages)], turns...)
	return q
}

// withDemand appends a sentence to the last message.
func (q question) withDemand(demand string) question {
	if demand == "" {
		return q
	}
	q = q.withTurns()
	turns := append([]llm.Message(nil), q.messages...)
	turns[len(turns)-1].Text += "\n\n" + demand
	q.messages = turns
	return q
}

// text returns the whole text of the question.
func (q question) text() string {
	all := q.prompt
	for _, m := range q.messages {
		all += "\n" + m.Text
	}
	return all
}

func (q question) size() size {
	s := size{bytes: len(q.prompt), tokens: estimate(q.prompt), messages: len(q.messages)}
	for _, m := range q.messages {
		s.bytes += len(m.Text)
		s.tokens += estimate(m.Text) + 4 // for the chat template
	}
	return s
}

// rule is a constraint that is checked here, whatever the server does.
type rule interface {
	// demand returns the constraint as an instruction to the model; "" for
	// none.
	demand() string
	// check returns the answer in its final form, or the problem with it. The
	// text of the problem is also sent to the model.
	check(text string) (answer string, problem error)
}

// formatted is a rule that some servers can enforce by a response_format. For
// other servers, demand is used.
type formatted interface {
	rule
	format(offered formats) *responseFormat // nil if the server cannot enforce it
}

type unconstrained struct{}

func (unconstrained) demand() string { return "" }

func (unconstrained) check(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", errEmpty
	}
	return text, nil
}

var (
	errEmpty  = errors.New("the answer is empty")
	errCutOff = errors.New("it was cut off after the most tokens that were allowed; answer more briefly")
)

// ask requests an answer until it meets the rule, at most 1 + Reasks times. The
// result has the tokens of all answers.
func (e *Endpoint) ask(ctx context.Context, q question, r rule) (llm.Result, error) {
	var result llm.Result
	if f, ok := r.(formatted); ok {
		offered, err := e.formats(ctx)
		if err != nil {
			return result, err
		}
		q = q.asChat() // only chats have formats
		q.format = f.format(offered)
	}
	if q.format == nil {
		q = q.withDemand(r.demand())
	}
	for asked := 0; ; asked++ {
		a, u, err := e.askOnce(ctx, q)
		result.PromptTokens += u.prompt
		result.OutputTokens += u.output
		if err != nil {
			// A server may support schemas, but not this one.
			if q.format != nil && refusesFormat(err) {
				q.format = nil
				q = q.withDemand(r.demand())
				continue
			}
			return result, err
		}
		text, problem := r.check(a.text)
		if problem == nil {
			result.Text, result.Finish = text, a.finish
			return result, nil
		}
		if asked >= e.opts.Reasks {
			return result, e.fail(ruleBroken(a, problem, asked), "Ask in plainer words, allow more tokens, or use a larger model.")
		}
		switch empty := strings.TrimSpace(a.text) == ""; {
		case empty && a.finish == llm.FinishLength && e.features.dialect.Load()&reasonsFirst == 0:
			// The model used its tokens for reasoning: allow more.
			e.features.dialect.Or(reasonsFirst)
			e.usage.count(func(t *Totals) { t.Reasks++ })
			continue
		case empty && r.demand() == "":
			return result, e.fail(ruleBroken(a, problem, asked), "Ask in plainer words, allow more tokens, or use a larger model.")
		case empty:
			// Servers refuse empty messages.
			e.usage.count(func(t *Totals) { t.Reasks++ })
			q = q.withDemand(r.demand())
			continue
		case a.finish == llm.FinishLength:
			problem = errCutOff
		}
		e.usage.count(func(t *Totals) { t.Reasks++ })
		q = q.withTurns(llm.Message{Role: llm.Assistant, Text: a.text},
			llm.Message{Role: llm.User, Text: "That answer is wrong: " + sensitive.Shown(problem) + ".\n" + r.demand()})
	}
}

// ruleBroken describes the problem of the last answer.
func ruleBroken(a answer, problem error, asked int) error {
	switch empty := strings.TrimSpace(a.text) == ""; {
	case empty && a.finish == llm.FinishLength:
		return errors.New("the model used all allowed tokens before it gave an answer")
	case empty && a.reasoned:
		return errors.New("the model returned its reasoning, but no answer")
	case empty:
		return errEmpty
	case a.finish == llm.FinishLength:
		problem = errCutOff
	}
	return sensitive.Errorf("the answer does not meet its constraint after %d corrections: %w: %s", max(0, asked), problem, sensitive.Text(shorten(a.text)))
}

// refusesFormat reports whether the server may answer without response_format.
func refusesFormat(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented:
		return !errors.Is(err, llm.ErrTooLong)
	}
	return false
}

// askOnce sends one question and counts its tokens. If the server refuses a
// parameter, it repeats the request with another dialect.
func (e *Endpoint) askOnce(ctx context.Context, q question) (answer, used, error) {
	if len(q.messages) == 0 {
		offered, err := e.completions(ctx)
		if err != nil {
			return answer{}, used{}, err
		}
		if !offered.any {
			q = q.asChat()
		}
	}
	for {
		spoken := e.features.dialect.Load()
		a, u, err := e.send(ctx, q, spoken)
		var refused *statusError
		if errors.As(err, &refused) && (refused.status == http.StatusBadRequest || refused.status == http.StatusUnprocessableEntity) {
			if spoken&reasonsFirst == 0 && q.maxTokens > 0 && refused.requiresMoreTokens() {
				e.features.dialect.Or(reasonsFirst)
				continue
			}
			if spoken&newMaxTokens == 0 && refused.mentions("max_completion_tokens") {
				e.features.dialect.Or(newMaxTokens)
				continue
			}
			if spoken&noTemperature == 0 && refused.mentions("temperature") {
				e.features.dialect.Or(noTemperature)
				continue
			}
		}
		return a, u, err
	}
}

// send sends one request in the given dialect and counts its tokens.
func (e *Endpoint) send(ctx context.Context, q question, dialect uint32) (answer, used, error) {
	if dialect&reasonsFirst != 0 && q.maxTokens > 0 {
		q.maxTokens += reasoningTokens
	}
	w := wireRequest{Model: e.ref.model, ResponseFormat: q.format}
	if dialect&noTemperature == 0 {
		w.Temperature = new(float64)
	}
	path := "/chat/completions"
	if len(q.messages) == 0 {
		path, w.Prompt, w.MaxTokens = "/completions", q.prompt, q.maxTokens
		if q.logprobs > 0 {
			w.Logprobs = q.logprobs
		}
	} else {
		for _, m := range q.messages {
			w.Messages = append(w.Messages, wireMessage{string(m.Role), m.Text})
		}
		if q.logprobs > 0 {
			w.Logprobs, w.TopLogprobs = true, q.logprobs
		}
		if dialect&newMaxTokens != 0 {
			w.MaxCompletionTokens = q.maxTokens
		} else {
			w.MaxTokens = q.maxTokens
		}
	}
	body, err := json.Marshal(w)
	if err != nil {
		return answer{}, used{}, fmt.Errorf("%w: %w", llm.ErrRequest, err)
	}
	var a answer
	c := newCall(path, body, func(body []byte) (err error) {
		a, err = parseAnswer(body)
		return err
	})
	c.probe = q.probe
	sent := q.size()
	c.reserve = e.usage.predict(sent.tokens, q.maxTokens)
	if err := e.do(ctx, c); err != nil {
		return answer{}, used{}, err
	}
	u := e.usage.settle(a.usage, sent, a.text, q.maxTokens)
	e.limits.settle(c.reserve, float64(u.prompt+u.output))
	e.usage.count(func(t *Totals) { t.Requests++ })
	if a.refused != nil {
		return a, u, e.fail(a.refused, "")
	}
	asked := q.text()
	if !a.separateReasoning {
		var thought bool
		a.text, thought = removeReasoning(a.text, asked)
		a.reasoned = a.reasoned || thought
	}
	// A server may return the key in an answer.
	a.text = secret.HideSent(strings.ToValidUTF8(a.text, "\uFFFD"), e.key.secret, asked)
	return a, u, nil
}
