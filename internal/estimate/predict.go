package estimate

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// Options say how to predict.
type Options struct {
	// Dry asks no model.
	Dry bool
	// Warm: the job follows in this process, so that what the model has learned
	// by the calibration is not done again.
	Warm    bool
	Threads int
	// Length is how long to calibrate, about.
	Length time.Duration
	Price  job.Price
	// RequestsPerMinute and TokensPerMinute are what a server allows; 0 is no
	// bound.
	RequestsPerMinute, TokensPerMinute int
}

// Prediction is what a job will take.
type Prediction struct {
	// Inputs are those that will be asked for, of all calls.
	Inputs float64
	// PromptTokens and OutputTokens, with what prompts put around texts.
	PromptTokens, OutputTokens Interval
	// Time, in seconds, is that of the job without what it takes to load the
	// model; it is zero where it is not known, as of a server that sets no limits.
	Time Interval
	Cost Interval
	// Calibrated are the rows that it is drawn from, and Calibration how long
	// that took.
	Calibrated  int
	Calibration time.Duration
	// Answered: the calibration asked for all inputs, so that a job that follows
	// in this process has nothing left to ask, and takes no time.
	Answered bool
	// Kept is the share of rows that a condition with calls left; 1 without.
	Kept float64
	// Bound says that answers were not seen, so that OutputTokens' High is all
	// that requests allow.
	Bound bool
}

// Predict runs the plan over the sample, and draws the conclusions.
func (c *Census) Predict(ctx context.Context, o Options) (Prediction, error) {
	p := Prediction{Kept: 1, Bound: o.Dry}
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
			// Equal requests are answered once.
			ask, f.first = max(0, ask-f.done), 0
		}
		left += ask
		seconds := f.time(ask, max(1, o.Threads))
		compute += seconds
		// What the sample does not know, and what the machine does besides.
		variance += seconds * seconds * (f.work.relative()*f.work.relative() + machineError*machineError)
	}
	if o.Dry {
		p.OutputTokens.Low = 0
		p.Time = limited(requests, p.PromptTokens, p.OutputTokens, o)
	} else {
		// Rows are read while others are computed.
		whole := max(compute, c.Took.Seconds())
		half := 1.96 * math.Sqrt(variance)
		p.Time = Interval{whole, max(0, whole-half), whole + half}
	}
	p.Answered = p.Inputs > 0 && left == 0
	price := o.Price.Of
	p.Cost = Interval{price(p.PromptTokens.Value, p.OutputTokens.Value), price(p.PromptTokens.Low, p.OutputTokens.Low), price(p.PromptTokens.High, p.OutputTokens.High)}
	return p, nil
}

// machineError is how much the same work differs from one time to another, as
// a share.
const machineError = 0.05

// share of a call's inputs that will be asked for: those of rows that a
// condition leaves, and that the budget reaches.
func (c *Census) share(call *sqlexpr.Call, kept float64) float64 {
	deciding := c.Decided && slices.ContainsFunc(c.plan.Where.Calls(), func(w *sqlexpr.Call) bool { return w.Text == call.Text })
	share := 1.0
	if !deciding {
		share = kept
		if limit := c.plan.Budget.Rows; limit != nil && c.Rows > 0 {
			share = min(share, float64(*limit)/float64(c.Rows))
		}
	}
	return share
}

// limited is how long a server's limits make a job take.
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

// add puts the interval of one more part to it, as if all were wrong together.
func (i *Interval) add(value, err float64) {
	i.Value += value
	i.Low += max(0, value-1.96*err)
	i.High += value + 1.96*err
}

// mean is one of a sample, with its standard error.
type mean struct{ mean, err float64 }

func (m mean) relative() float64 {
	if m.mean == 0 {
		return 0
	}
	return m.err / m.mean
}

// fit is what rounds say of a call: for each input its tokens and work, and
// for n of them the time first + together·ceil(n/under way) + n·work·each.
type fit struct {
	inputs               int     // that it is drawn from
	done                 float64 // inputs of all rounds
	requests             float64 // an input
	prompt, output, work mean    // of an input
	first                float64 // seconds, once
	together             float64 // seconds, for those that are under way together
	each                 float64 // seconds a unit of work
}

// underWay is how many sequences of a core are answered together.
const underWay = 64

func (f fit) time(n float64, threads int) float64 {
	if n == 0 {
		return 0
	}
	return f.first + f.together*max(1, n/float64(underWay*threads)) + n*f.work.mean*f.each
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
			// The first round asks for more than its inputs need: what is asked once.
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

// of is the mean of an input, of what requests have.
func (f fit) of(requests []float64) mean {
	m, err := spread(requests)
	return mean{m * f.requests, err * f.requests * math.Sqrt(max(1, f.requests))}
}

type point struct{ work, seconds float64 }

// line lays the line through the rounds: the first only says what is done once,
// and two later ones tell what those together take from what each takes.
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
