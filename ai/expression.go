package ai

// Expression is a column of some table engine, such as spark.Column: what can
// have a function called on it by name. The further arguments are columns of
// the same kind, or Go literals (string, []string, numbers, bool).
type Expression[C any] interface {
	Call(function string, args ...any) C
}

// AnalyzeSentiment says for each text whether its sentiment is positive,
// negative, neutral or mixed. NULL and blank text give NULL.
func AnalyzeSentiment[C Expression[C]](content C) C {
	return content.Call(analyzeSentiment.Name)
}

// Classify gives for each text the one of labels that fits it best. NULL and
// blank text give NULL.
func Classify[C Expression[C]](content C, labels ...string) C {
	return content.Call(classify.Name, labels)
}

// Gen answers each prompt with generated text. NULL and blank prompts give
// NULL.
func Gen[C Expression[C]](prompt C) C {
	return prompt.Call(gen.Name)
}
