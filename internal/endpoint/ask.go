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

// question is one thing to ask, in one of two forms: messages or, if there are
// none, a prompt to continue.
type question struct {
	messages []llm.Message
	prompt   string
	most     int // tokens of the answer; 0: the server's default
	logprobs int // of so many tokens at each position
	format   *responseFormat
	probe    bool // it is to find out what the server offers
}

// asChat makes a user's message of a prompt.
func (q question) asChat() question {
	if len(q.messages) == 0 {
		q.messages = []llm.Message{{Role: llm.User, Text: q.prompt}}
		q.prompt = ""
	}
	return q
}

// and adds turns; q's own stay as they are.
func (q question) and(turns ...llm.Message) question {
	q = q.asChat()
	q.messages = append(q.messages[:len(q.messages):len(q.messages)], turns...)
	return q
}

// demanding adds a sentence to the last message.
func (q question) demanding(demand string) question {
	if demand == "" {
		return q
	}
	q = q.and()
	turns := append([]llm.Message(nil), q.messages...)
	turns[len(turns)-1].Text += "\n\n" + demand
	q.messages = turns
	return q
}

// text is all that is asked.
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
		s.tokens += estimate(m.Text) + 4 // the template around it
	}
	return s
}

// rule is a constraint that answers are held to here, whatever the server does.
type rule interface {
	// demand tells the model in words what is wanted; "" for nothing.
	demand() string
	// check gives the answer in its final form, or what is wrong with it, in
	// words that the model is told, too.
	check(text string) (answer string, problem error)
}

// formatted rules can be put to a server that offers it; demand is for others.
type formatted interface {
	rule
	format(offered formats) *responseFormat // nil: not by what is offered
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

// ask asks until the answer keeps the rule, at most 1 + Reasks times. The
// result's tokens are those of all answers.
func (e *Endpoint) ask(ctx context.Context, q question, r rule) (llm.Result, error) {
	var result llm.Result
	if f, ok := r.(formatted); ok {
		offered, err := e.formats(ctx)
		if err != nil {
			return result, err
		}
		q = q.asChat() // formats are a chat's
		q.format = f.format(offered)
	}
	if q.format == nil {
		q = q.demanding(r.demand())
	}
	for asked := 0; ; asked++ {
		a, u, err := e.one(ctx, q)
		result.PromptTokens += u.prompt
		result.OutputTokens += u.output
		if err != nil {
			// A server may offer schemas, but not this one.
			if q.format != nil && refusesFormat(err) {
				q.format = nil
				q = q.demanding(r.demand())
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
			return result, e.fail(unkept(a, problem, asked), "Ask in plainer words, allow more tokens, or use a larger model.")
		}
		switch empty := strings.TrimSpace(a.text) == ""; {
		case empty && a.finish == llm.FinishLength && e.features.dialect.Load()&thinks == 0:
			// Its tokens went into reasoning: it gets more of them.
			e.features.dialect.Or(thinks)
			e.usage.count(func(t *Totals) { t.Reasks++ })
			continue
		case empty && r.demand() == "":
			return result, e.fail(unkept(a, problem, asked), "Ask in plainer words, allow more tokens, or use a larger model.")
		case empty:
			// Servers refuse empty turns.
			e.usage.count(func(t *Totals) { t.Reasks++ })
			q = q.demanding(r.demand())
			continue
		case a.finish == llm.FinishLength:
			problem = errCutOff
		}
		e.usage.count(func(t *Totals) { t.Reasks++ })
		q = q.and(llm.Message{Role: llm.Assistant, Text: a.text},
			llm.Message{Role: llm.User, Text: "That answer is wrong: " + sensitive.Shown(problem) + ".\n" + r.demand()})
	}
}

// unkept says what is wrong with the last answer that was asked for.
func unkept(a answer, problem error, asked int) error {
	switch empty := strings.TrimSpace(a.text) == ""; {
	case empty && a.finish == llm.FinishLength:
		return errors.New("the model used up the tokens that were allowed before it came to an answer")
	case empty && a.thought:
		return errors.New("the model gave its reasoning, but no answer")
	case empty:
		return errEmpty
	case a.finish == llm.FinishLength:
		problem = errCutOff
	}
	return sensitive.Errorf("the answer breaks its constraint, also after %d reminders: %w: %s", max(0, asked), problem, sensitive.Text(shorten(a.text)))
}

// refusesFormat: the server may answer without the response_format.
func refusesFormat(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented:
		return !errors.Is(err, llm.ErrTooLong)
	}
	return false
}

// one asks once and settles what it cost. A server that wants other names for
// the parameters, or fewer, says so once.
func (e *Endpoint) one(ctx context.Context, q question) (answer, used, error) {
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
			if spoken&thinks == 0 && q.most > 0 && refused.wantsMoreTokens() {
				e.features.dialect.Or(thinks)
				continue
			}
			if spoken&newMaxTokens == 0 && refused.says("max_completion_tokens") {
				e.features.dialect.Or(newMaxTokens)
				continue
			}
			if spoken&noTemperature == 0 && refused.says("temperature") {
				e.features.dialect.Or(noTemperature)
				continue
			}
		}
		return a, u, err
	}
}

func (e *Endpoint) send(ctx context.Context, q question, dialect uint32) (answer, used, error) {
	if dialect&thinks != 0 && q.most > 0 {
		q.most += roomToThink
	}
	w := wireRequest{Model: e.ref.model, ResponseFormat: q.format}
	if dialect&noTemperature == 0 {
		w.Temperature = new(float64)
	}
	path := "/chat/completions"
	if len(q.messages) == 0 {
		path, w.Prompt, w.MaxTokens = "/completions", q.prompt, q.most
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
			w.MaxCompletionTokens = q.most
		} else {
			w.MaxTokens = q.most
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
	c.reserve = e.usage.foresee(sent.tokens, q.most)
	if err := e.do(ctx, c); err != nil {
		return answer{}, used{}, err
	}
	u := e.usage.settle(a.usage, sent, a.text, q.most)
	e.limits.settle(c.reserve, float64(u.prompt+u.output))
	e.usage.count(func(t *Totals) { t.Requests++ })
	if a.refused != nil {
		return a, u, e.fail(a.refused, "")
	}
	asked := q.text()
	if !a.apart {
		var thought bool
		a.text, thought = withoutThinking(a.text, asked)
		a.thought = a.thought || thought
	}
	// A server may send the key back in a good answer, too.
	a.text = secret.HideSent(strings.ToValidUTF8(a.text, "\uFFFD"), e.key.secret, asked)
	return a, u, nil
}
