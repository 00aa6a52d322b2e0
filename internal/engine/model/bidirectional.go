package model

import (
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// bidirectional is an Encoder with the layers of a decoder: every token attends to all tokens of the
// text, or in local layers to those in a window around it. It has no head.
type bidirectional struct{ *decoder }

func (m bidirectional) Head() Head       { return HiddenStates }
func (m bidirectional) Labels() []string { return nil }

func (m bidirectional) NewState(team *nn.Team) EncoderState {
	return &bidirectionalState{decoder: m.decoder, team: team, pool: nn.Pool{Shape: m.Cache()}}
}

// bidirectionalState is the memory of a run.
type bidirectionalState struct {
	*decoder
	team  *nn.Team
	state State // for up to rows rows
	rows  int
	pool  nn.Pool
	out   []float32 // rows x E, the hidden states
}

func (s *bidirectionalState) Run(texts []EncoderInput, stop func() bool, emit func(text int, rows Rows)) error {
	rows := 0
	for _, t := range texts {
		rows += len(t.Tokens)
	}
	if rows > s.rows {
		s.rows, s.state, s.out = rows, s.decoder.NewState(rows, s.vocabulary, s.team), make([]float32, rows*s.embedding)
	}
	spans := make([]Span, len(texts))
	starts := make([]int, len(texts))
	at := 0
	for i, t := range texts {
		spans[i].Cache = nn.NewCache(&s.pool, nil)
		defer spans[i].Cache.Release()
		starts[i], at = at, at+len(t.Tokens)
		for j, token := range t.Tokens {
			spans[i].Rows = append(spans[i].Rows, Row{Token: token, Position: j, View: nn.View{Leading: len(t.Tokens)}, Want: Hidden})
		}
	}
	err := s.state.Step(spans, stop, func(span, row int, out Out) {
		copy(s.out[(starts[span]+row)*s.embedding:], out.Values)
	})
	if err != nil {
		return err
	}
	for i, t := range texts {
		emit(i, Rows{len(t.Tokens), s.embedding, s.out[starts[i]*s.embedding:], s.embedding})
	}
	return nil
}
