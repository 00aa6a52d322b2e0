package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/fit"
	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

// fitSource gives the rows of a fit with vectors.
type fitSource struct {
	*app
	flags   fitFlags
	models  *models.Opened
	session *spark.Session
	data    []eval.Row // of a file
	texts   map[int]string

	// embedder is that of the latest rows, and reference its reference; empty for the default.
	embedder  head.Embedder
	model     llm.Model // nil on Spark
	reference string
	// labelledBy and labellers are the expression that made the labels and its models.
	labelledBy, labellers string
	// unlabelledRows are the rows without a label, with vectors, if labels are suggested.
	unlabelledRows []fit.Row
	// What happened to the rows.
	unlabelled, noText, failed, cut int
}

func (a *app) newFitSource(ctx context.Context, f fitFlags, session *spark.Session) (*fitSource, error) {
	s := &fitSource{app: a, flags: f, session: session, texts: map[int]string{}}
	if session != nil {
		return s, nil
	}
	o, err := f.text.options()
	if err != nil {
		return nil, err
	}
	o.Stdin = a.in
	if s.data, err = eval.ReadFile(ctx, eval.File{Path: f.path, Options: o, Input: f.input, Label: cmp.Or(f.label, f.input), Limit: f.limit}); err != nil {
		return nil, evalHint(evalFlags{path: f.path, text: f.text}, err)
	}
	if f.labelWith != "" {
		if err := s.labelSample(ctx); err != nil {
			return nil, err
		}
	}
	mo, err := f.ship.modelOptions(fetch.NewProgress(a.err))
	if err != nil {
		return nil, err
	}
	s.models, err = a.lazyModels(f.ship, mo, nil)
	return s, err
}

func (s *fitSource) close() {
	if s.models != nil {
		s.models.Close()
	}
}

// text is the text of a row, if it is here.
func (s *fitSource) text(r fit.Row) string { return s.texts[r.Number] }

// notes say which rows were left out.
func (s *fitSource) notes() (facts report.Facts) {
	for _, c := range []struct {
		n    int
		what string
	}{{s.unlabelled, "rows without a label, left out"}, {s.noText, "rows without a text, left out"}, {s.failed, "rows without a vector, left out"}, {s.cut, "texts that were longer than the embedder reads; their start was read"}} {
		if c.n > 0 {
			facts = append(facts, report.Fact{Name: c.what, Value: fmt.Sprint(c.n)})
		}
	}
	return facts
}

// rows returns the labelled rows with the vectors of a model: embed or text for that
// of the role, or a reference.
func (s *fitSource) rows(ctx context.Context, feature string) ([]fit.Row, error) {
	s.unlabelled, s.noText, s.failed, s.cut = 0, 0, 0, 0
	if s.session != nil {
		return s.sparkRows(ctx, feature)
	}
	var rows, open []fit.Row
	var texts, openTexts []string
	for _, r := range s.data {
		row := fit.Row{Number: r.Number}
		ok, err := row.ReadLabel(llm.PredictionKind(s.flags.predicts), r.Label, s.flags.separator)
		switch {
		case err != nil:
			return nil, fmt.Errorf("row %d: %w", r.Number, err)
		case !ok && s.flags.suggest > 0 && r.Input != nil && strings.TrimSpace(*r.Input) != "":
			open, openTexts = append(open, fit.Row{Number: r.Number}), append(openTexts, *r.Input)
			s.texts[r.Number] = *r.Input
			s.unlabelled++
		case !ok:
			s.unlabelled++
		case r.Input == nil || strings.TrimSpace(*r.Input) == "":
			s.noText++
		default:
			rows, texts = append(rows, row), append(texts, *r.Input)
			if s.flags.suspects > 0 {
				s.texts[r.Number] = *r.Input
			}
		}
	}
	if len(rows) == 0 {
		return nil, &eval.NoLabelsError{Rows: len(s.data)}
	}
	m, err := s.open(ctx, feature)
	if err != nil {
		return nil, err
	}
	vectors, err := s.embed(ctx, m, slices.Concat(texts, openTexts))
	if err != nil {
		return nil, err
	}
	s.unlabelledRows = nil
	for i, r := range open {
		if r.Vector = vectors[openTexts[i]]; r.Vector != nil {
			s.unlabelledRows = append(s.unlabelledRows, r)
		}
	}
	kept := rows[:0]
	for i, r := range rows {
		if r.Vector = vectors[texts[i]]; r.Vector == nil {
			s.failed++
			continue
		}
		kept = append(kept, r)
	}
	return kept, nil
}

// open opens the model whose vectors are compared.
func (s *fitSource) open(ctx context.Context, feature string) (llm.Model, error) {
	role := llm.Embed
	var m llm.Model
	var err error
	if s.reference = ""; feature == string(llm.Embed) || feature == string(llm.Text) {
		role = llm.ModelRole(feature)
		m, err = s.models.Source(ctx, role, "")
		if role == llm.Text || len(s.flags.ship.models) > 0 {
			s.reference = s.flags.ship.reference(role)
		}
	} else {
		set, parsed := models.ParseSet("embed=" + s.flags.ship.find(feature))
		if parsed != nil {
			return nil, fmt.Errorf("%w: --features: %w", errUsage, parsed)
		}
		o, parsed := s.flags.ship.modelOptions(fetch.NewProgress(s.err))
		if parsed != nil {
			return nil, parsed
		}
		s.reference = set[0].Reference.String()
		if m, err = openModel(ctx, set[0].Reference, o); err == nil {
			m = s.records.telemetry.Wrap(m)
		}
	}
	if err != nil {
		return nil, redownloadHint(err)
	}
	info := m.Info()
	if !info.Has(llm.Embed) {
		return nil, &llm.RoleError{Model: info.Name, Have: info.Roles, Role: llm.Embed}
	}
	s.embedder, s.model = embedderOf(role, info), m
	return m, nil
}

// embedderOf describes an embedder in a head.
func embedderOf(role llm.ModelRole, info llm.Info) head.Embedder {
	return head.Embedder{Role: role, Name: info.Name, Digest: info.Identified().Digest, Precision: info.Precision, Engine: info.Engine}
}

// embedBatch is the number of texts that are embedded at a time.
const embedBatch = 512

// embed returns the vectors of texts. Equal texts are embedded once, and a text that
// cannot be embedded has none.
func (s *fitSource) embed(ctx context.Context, m llm.Model, texts []string) (map[string][]float32, error) {
	vectors := make(map[string][]float32, len(texts))
	var distinct []string
	for _, t := range texts {
		if _, known := vectors[t]; !known {
			vectors[t] = nil
			distinct = append(distinct, t)
		}
	}
	meter := newRowMeter(s.err, "vectors of "+m.Info().Name, len(distinct))
	defer meter.end()
	var failure error
	for i := 0; i < len(distinct); i += embedBatch {
		part := distinct[i:min(i+embedBatch, len(distinct))]
		requests := make([]llm.EmbedRequest, len(part))
		for k, t := range part {
			requests[k].Text = t
		}
		results, err := m.Embed(ctx, requests)
		if err != nil {
			return nil, err
		}
		for k, r := range results {
			if r.Err != nil {
				failure = cmp.Or(failure, r.Err)
				continue
			}
			if vectors[part[k]] = r.Vector; r.Cut {
				s.cut++
			}
		}
		meter.step(i + len(part))
	}
	if failure != nil && !slices.ContainsFunc(distinct, func(t string) bool { return vectors[t] != nil }) {
		return nil, fmt.Errorf("no text could be embedded: %w", failure)
	}
	return vectors, nil
}

// fitMeter shows the steps of a fit.
type fitMeter struct{ pacedLine }

func newFitMeter(out io.Writer) *fitMeter { return &fitMeter{newPacedLine(out)} }

func (m *fitMeter) step(what string, done, total int) {
	if m.due() {
		m.line.Show(fmt.Sprintf("%s: %d of %d", what, done, total))
	}
}
