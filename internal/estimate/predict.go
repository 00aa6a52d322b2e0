package estimate

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// Options set how to predict.
type Options struct {
	// Dry predicts without asking a model.
	Dry bool
	// Warm means that the job follows in this process, so that the model does not
	// repeat the work of the calibration.
	Warm    bool
	Threads int
	// Length is about the time of the calibration.
	Length time.Duration
	Price  job.Price
	// RequestsPerMinute and TokensPerMinute are the limits of a server; 0 is none.
	RequestsPerMinute, TokensPerMinute int
}

// Prediction is an estimate of what a job takes.
type Prediction struct {
	// Inputs is the number of inputs to ask, of all calls.
	Inputs float64
	// PromptTokens and OutputTokens include the tokens of prompts around texts.
	PromptTokens, OutputTokens Interval
	// Time is in seconds, without the time to load the model. It is zero if it is
	// unknown, as for a server without limits.
	Time Interval
	Cost Interval
	// Calibrated is the number of rows of the calibration, and Calibration its time.
	Calibrated  int
	Calibration time.Duration
	// Answered means that the calibration asked all inputs, so that a job that
	// follows in this process has none left.
	Answered bool
	// Kept is the share of the sample that meets a condition with calls; 1 without
	// such a condition.
	Kept float64
	// Cascades are the calls with the option escalate_to, by the text of the call.
	Cascades map[string]Cascade
	// Bound means that no model was asked, so that OutputTokens.High is the maximum
	// that the requests allow.
	Bound bool
}

// Cascade counts the inputs of the calibration that the smaller model answers, and those that it sends on.
type Cascade struct{ Smaller, Larger int64 }

// Predict runs the plan over the sample and extrapolates.
func (c *Census) Predict(ctx context.Context, o Options) (Prediction, error) {
	p := Prediction{Kept: 1, Bound: o.Dry, Cascades: map[string]Cascade{}}
	c.dry = o.Dry
	begun := time.Now()
	rounds, err := c.calibrate(ctx, max(1, o.Threads), o.Length)
	if err != nil {
		return p, err
	}
	p.Calibration = time.Since(begun)
	rows, kept := 0, 0
	for _, r := range rounds {
		rows, kept = rows+r.rows, kept+r.kept
		for call, w := range r.calls {
			if w.smaller+w.larger > 0 {
				all := p.Cascades[call]
				p.Cascades[call] = Cascade{all.Smaller + w.smaller, all.Larger + w.larger}
			}
		}
	}
	p.Calibrated = rows
	if rows > 0 {
		p.Kept = float64(kept) / float64(rows)
	}
	compute, variance, requests, left := 0.0, 0.0, 0.0, 0.0
	for _, n := range c.Calls {
		ask := n.Ask() * c.share(n.Call, p.Kept)
		p.Inputs += ask
		f := fitted(rounds, n.Call.Text)
		if f.inputs == 0 {
			continue
		}
		p.PromptTokens.add(ask*f.prompt.mean, ask*f.prompt.err)
		p.OutputTokens.add(ask*f.output.mean, ask*f.output.err)
		requests += ask * f.requests
		if o.Warm && !o.Dry {
			// The model does not answer equal requests again.
			ask, f.first = max(0, ask-f.done), 0
		}
		left += ask
		seconds := f.time(ask, max(1, o.Threads))
		compute += seconds
		// The variance of the sample, and that of the machine.
		variance += seconds * seconds * (f.work.relative()*f.work.relative() + machineError*machineError)
	}
	if o.Dry {
		p.OutputTokens.Low = 0
		p.Time = limited(requests, p.PromptTokens, p.OutputTokens, o)
	} else {
		// Reading and computing overlap.
		whole := max(compute, c.Took.Seconds())
		half := 1.96 * math.Sqrt(variance)
		p.Time = Interval{whole, max(0, whole-half), whole + half}
	}
	p.Answered = p.Inputs > 0 && left == 0
	price := o.Price.Of
	p.Cost = Interval{price(p.PromptTokens.Value, p.OutputTokens.Value), price(p.PromptTokens.Low, p.OutputTokens.Low), price(p.PromptTokens.High, p.OutputTokens.High)}
	return p, nil
}

// machineError is the relative error of the time of equal work.
const machineError = 0.05

// share returns the share of a call's inputs to ask: those of rows that meet the
// condition and that the budget reaches.
func (c *Census) share(call *sqlexpr.Call, kept float64) float64 {
	inCondition := c.ConditionAsks && slices.ContainsFunc(c.plan.Where.Calls(), func(w *sqlexpr.Call) bool { return w.Text == call.Text })
	share := 1.0
	if !inCondition {
		share = kept
		if limit := c.plan.Budget.Rows; limit != nil && c.Rows > 0 {
			share = min(share, float64(*limit)/float64(c.Rows))
		}
	}
	return share
}

// limited returns the time of a job at the limits of a server.
func limited(requests float64, prompt, output Interval, o Options) (t Interval) {
	if o.RequestsPerMinute > 0 {
		s := requests / float64(o.RequestsPerMinute) * 60
		t = Interval{s, s, s}
	}
	if o.TokensPerMinute > 0 {
		per := 60 / float64(o.TokensPerMinute)
		t.Value = max(t.Value, per*(prompt.Value+output.Value))
		t.Low = max(t.Low, per*(prompt.Low+output.Low))
		t.High = max(t.High, per*(prompt.High+output.High))
	}
	return t
}

// add adds the interval of a part. The errors of all parts are assumed to be
// correlated.
func (i *Interval) add(value, err float64) {
	i.Value += value
	i.Low += max(0, value-1.96*err)
	i.High += value + 1.96*err
}

// mean is the mean of a sample with its standard error.
type mean struct{ mean, err float64 }

func (m mean) relative() float64 {
	if m.mean == 0 {
		return 0
	}
	return m.err / m.mean
}

// fit is a model of a call's time, fitted to the rounds. n inputs take
// first + together·ceil(n/concurrent) + n·work·each.
type fit struct {
	inputs               int     // inputs that the fit uses
	done                 float64 // inputs of all rounds
	requests             float64 // per input
	prompt, output, work mean    // per input
	first                float64 // seconds, once
	together             float64 // seconds, for the inputs that are answered together
	each                 float64 // seconds per unit of work
}

// concurrent is the number of sequences that a core answers together.
const concurrent = 64

func (f fit) time(n float64, threads int) float64 {
	if n == 0 {
		return 0
	}
	return f.first + f.together*max(1, n/float64(concurrent*threads)) + n*f.work.mean*f.each
}

func fitted(rounds []round, call string) fit {
	var f fit
	var prompt, output, all []float64
	var points []point
	for _, r := range rounds {
		w := r.calls[call]
		if w == nil || w.inputs == 0 {
			continue
		}
		total, each := w.weight()
		if points = append(points, point{total, w.seconds}); len(points) == 2 {
			// The first round includes requests that are asked once in a job.
			f.inputs, prompt, output, all = 0, nil, nil, nil
		}
		f.inputs += w.inputs
		f.done += float64(w.inputs)
		prompt, output, all = append(prompt, w.prompt...), append(output, w.output...), append(all, each...)
	}
	if f.inputs == 0 {
		return f
	}
	f.requests = float64(len(all)) / float64(f.inputs)
	f.prompt, f.output, f.work = f.of(prompt), f.of(output), f.of(all)
	f.line(points)
	return f
}

// of returns the mean per input of values per request.
func (f fit) of(requests []float64) mean {
	m, err := spread(requests)
	return mean{m * f.requests, err * f.requests * math.Sqrt(max(1, f.requests))}
}

type point struct{ work, seconds float64 }

// line fits a line to the rounds. The first round gives the time of what is done
// once; two later rounds separate the time of each input from the time of those
// answered together.
func (f *fit) line(points []point) {
	last := points[len(points)-1]
	if last.work == 0 {
		return
	}
	f.each = last.seconds / last.work
	if len(points) == 1 {
		return
	}
	if later := points[1:]; len(later) > 1 {
		before := later[len(later)-2]
		slope := (last.seconds - before.seconds) / (last.work - before.work)
		if generates := f.output.mean >= 8; generates && last.work > 1.5*before.work && slope > 0 && slope < f.each {
			f.together, f.each = last.seconds-slope*last.work, slope
		} else {
			f.each = (before.seconds + last.seconds) / (before.work + last.work)
		}
	}
	f.first = max(0, points[0].seconds-f.each*points[0].work-f.together)
}
