package engine

import (
	"strings"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/llm"
)

// EncoderRole returns the role of an encoder without loading its weights. ok is false for other
// models, and for files that cannot be read.
func EncoderRole(path string) (role llm.ModelRole, ok bool) {
	source, err := model.OpenSource(path)
	if err != nil {
		return "", false
	}
	defer source.Close()
	switch {
	case !source.IsEncoder():
		return "", false
	case strings.HasSuffix(source.Architecture, "ForTokenClassification"):
		return llm.Tag, true
	case strings.HasSuffix(source.Architecture, "ForSequenceClassification"):
		return llm.Rank, true
	}
	return llm.Embed, true
}
