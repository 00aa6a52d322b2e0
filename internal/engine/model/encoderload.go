package model

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
)

// encoderNames are the names of an architecture's weights, without ".weight" and ".bias". An empty
// name means that the architecture does not have the weights.
type encoderNames struct {
	words, positions, types, embeddingNorm string
	relative                               string // relative attention bias
	finalNorm                              string
	layer                                  string // format of the prefix of the names of a layer
	query, key, value                      string // of a layer
	qkv                                    string // instead of these three
	attentionOut, attentionNorm            string
	in, out, feedForwardNorm               string
	gate                                   string // if it is not a part of in
	noFirstNorm                            bool   // the first layer has no attentionNorm
	// dense, denseNorm and classifier are those of the head.
	dense, denseNorm, classifier string
	ignored                      []string // prefixes of weights that are not needed
}

// readSizes reads the settings that all architectures have. hidden, inner, blocks, heads and
// positions are their names in a config.json.
func (m *encoder) readSizes(s *Source, hidden, inner, blocks, heads, positions string) error {
	err := s.readSizes([]size{
		{setting{"block_count", blocks}, 1, 1 << 10, &m.blocks},
		{setting{"context_length", positions}, 1, 1 << 20, &m.positionCount},
		{setting{"embedding_length", hidden}, 16, 1 << 14, &m.embedding},
		{setting{"feed_forward_length", inner}, 16, 1 << 16, &m.feedForward},
		{setting{"attention.head_count", heads}, 1, 1 << 10, &m.heads},
	})
	if err != nil {
		return err
	}
	m.context = m.positionCount
	if m.embedding%m.heads != 0 {
		return s.wrong("the embedding size is %d, which is not a multiple of the %d heads", m.embedding, m.heads)
	}
	m.headSize = m.embedding / m.heads
	return s.multiples(map[string]int{"embeddings": m.embedding, "feed-forward layers": m.feedForward, "heads": m.headSize})
}

// readEpsilon reads the number that is added to variances.
func (m *encoder) readEpsilon(s *Source, key string, defaultValue float64) error {
	k := setting{"attention.layer_norm_epsilon", key}
	m.epsilon = float32(defaultValue)
	if !s.has(k) {
		return nil
	}
	x, err := s.number(k, 0, 1)
	m.epsilon = float32(x)
	return err
}

// activations are the activations by their names in a config.json.
var activations = map[string]activation{"gelu": gelu, "gelu_new": geluTanh, "gelu_pytorch_tanh": geluTanh, "relu": relu}

// readActivation reads the activation of the feed-forward network. The default is gelu.
func (m *encoder) readActivation(s *Source, key string) (err error) {
	m.activation, err = s.activation(key, gelu)
	return err
}

func (s *Source) activation(key string, defaultValue activation) (activation, error) {
	name, err := s.text(setting{config: key})
	if err != nil || name == "" {
		return defaultValue, err
	}
	a, ok := activations[name]
	if !ok {
		return 0, s.wrong("%s is %q; the supported activations are gelu, gelu_new, gelu_pytorch_tanh and relu", key, name)
	}
	return a, nil
}

// startAt makes a row of the table of positions that of the first token, as in RoBERTa, where the
// rows up to that of the padding token are not used.
func (m *encoder) startAt(s *Source, row int) error {
	m.positionOffset = row
	if m.context -= row; m.context < 1 {
		return s.wrong("the model has %d positions, and the first %d are not used", m.positionCount, row)
	}
	return nil
}

// prefixOf returns the first prefix for which the weight name exists, or the last one.
func (s *Source) prefixOf(name string, prefixes ...string) string {
	for _, prefix := range prefixes {
		if _, ok := s.tensor(prefix + name); ok {
			return prefix
		}
	}
	return prefixes[len(prefixes)-1]
}

// headKind returns the kind of head of an architecture in a config.json.
func headKind(architecture string) Head {
	switch {
	case strings.HasSuffix(architecture, "ForTokenClassification"):
		return TokenLogits
	case strings.HasSuffix(architecture, "ForSequenceClassification"):
		return SequenceLogits
	}
	return HiddenStates
}

// read plans and reads the weights of the network.
func (m *encoder) read(ctx context.Context, l *loader, names encoderNames, threads int) (err error) {
	e := m.embedding
	l.ignorePrefix(names.ignored...)
	l.ignoreSuffix("embeddings.position_ids") // in older files
	m.vocabulary = l.rows(names.words+".weight", e)
	m.lookUp = l.embeddings(names.words+".weight", e, m.vocabulary)
	if names.positions != "" {
		m.positions = l.table(names.positions+".weight", e, m.positionCount)
	}
	if names.types != "" && l.has(names.types+".weight") {
		m.typeCount = l.rows(names.types+".weight", e)
		m.types = l.table(names.types+".weight", e, m.typeCount)
	}
	if names.relative != "" {
		const maxDistance = 128
		table := l.table(names.relative+".weight", m.heads, m.buckets)
		if l.err == nil {
			m.bias = nn.NewBias(table, m.heads, m.buckets, maxDistance, m.context, true)
		}
	}
	m.embeddingNorm = *l.layerNorm(names.embeddingNorm, e)
	if names.finalNorm != "" {
		m.finalNorm = l.layerNorm(names.finalNorm, e)
	}
	m.layers = make([]encoderLayer, m.blocks)
	for i := range m.layers {
		m.readLayer(l, i, names)
	}
	if m.head.kind != HiddenStates {
		m.readHead(l, names)
	}
	m.weights, err = l.read(ctx, threads)
	return err
}

func (m *encoder) readLayer(l *loader, i int, names encoderNames) {
	e, f := m.embedding, m.feedForward
	prefix := fmt.Sprintf(names.layer, i)
	layer := &m.layers[i]
	layer.local = len(m.local) > 0 && m.local[i]
	if names.qkv != "" {
		layer.qkv = l.biased(l.precision, e, 3*e, prefix+names.qkv)
	} else {
		layer.qkv = l.biased(l.precision, e, e, prefix+names.query, prefix+names.key, prefix+names.value)
	}
	layer.attentionOut = l.biased(l.precision, e, e, prefix+names.attentionOut)
	if m.rotary == nil {
		layer.foldBiases(l, e, prefix+names.attentionOut+".weight")
	}
	if i > 0 || !names.noFirstNorm {
		layer.attentionNorm = l.layerNorm(prefix+names.attentionNorm, e)
	}
	switch {
	case names.gate != "":
		layer.in = l.biased(l.precision, e, f, prefix+names.gate, prefix+names.in)
	case m.gated:
		layer.in = l.biased(l.precision, e, 2*f, prefix+names.in)
	default:
		layer.in = l.biased(l.precision, e, f, prefix+names.in)
	}
	layer.out = l.biased(l.precision, f, e, prefix+names.out)
	layer.feedForwardNorm = l.layerNorm(prefix+names.feedForwardNorm, e)
}

// foldBiases removes the biases of keys and values, so that they need not be added to each row. The
// bias of the keys adds the same number to all scores of a query, which does not change their softmax.
// The bias of the values is added to each result, as the probabilities add up to 1, so it becomes a
// part of the bias of the output. The bias of the queries stays.
func (layer *encoderLayer) foldBiases(l *loader, e int, output string) {
	bias := layer.qkv.bias
	if l.err != nil || bias == nil {
		return
	}
	weights := l.table(output, e, e)
	if l.err != nil {
		return
	}
	if layer.attentionOut.bias == nil {
		layer.attentionOut.bias = make([]float32, e)
	}
	for i := range e {
		sum := float64(layer.attentionOut.bias[i])
		for j, w := range weights[i*e : (i+1)*e] {
			sum += float64(w) * float64(bias[2*e+j])
		}
		layer.attentionOut.bias[i] = float32(sum)
	}
	layer.queryBias, layer.qkv.bias = bias[:e], nil
}

// readHead plans the weights of the classes. They are not quantized, because they are small.
func (m *encoder) readHead(l *loader, names encoderNames) {
	e := m.embedding
	if names.dense != "" {
		m.head.dense = l.biased(llm.Float32, e, e, names.dense)
		if names.denseNorm != "" {
			m.head.norm = l.layerNorm(names.denseNorm, e)
		}
	}
	classes := l.rows(names.classifier+".weight", e)
	if l.err != nil {
		return
	}
	m.head.classifier = l.biased(llm.Float32, e, classes, names.classifier)
	m.labels, l.err = l.source.labels(classes)
}

// rows returns the number of rows of a matrix of k columns, at most maxRows.
func (l *loader) rows(name string, k int) int {
	if l.err != nil {
		return 0
	}
	const maxRows = 1 << 24
	t, ok := l.source.tensor(name)
	switch {
	case !ok:
		l.err = l.source.wrong("the tensor %q is missing", name)
	case len(t.shape) != 2 || t.shape[1] != k || t.shape[0] < 1 || t.shape[0] > maxRows:
		l.err = t.errorf("the shape is %v, but the settings of the model require rows of %d numbers", t.shape, k)
	default:
		return t.shape[0]
	}
	return 0
}

// biased plans a linear layer of k inputs and n outputs for each name, with their biases. The
// biases exist for all names or for none.
func (l *loader) biased(p llm.Precision, k, n int, names ...string) biased {
	var outputs []output
	var bias []float32
	for _, name := range names {
		outputs = append(outputs, output{name + ".weight", n})
		if l.has(name + ".bias") {
			bias = append(bias, l.vector(name+".bias", n, 0)...)
		}
	}
	b := biased{Linear: l.matrixIn(p, k, outputs...)}
	if l.err != nil || bias == nil {
		return b
	}
	if len(bias) != n*len(names) {
		l.err = l.source.wrong("only some of the weights %s have a bias", strings.Join(names, ", "))
	}
	b.bias = slices.Concat(bias, make([]float32, kernel.Pad(len(bias))-len(bias)))
	return b
}

// layerNorm reads the weights of a norm. The bias may be missing. Old files call them gamma and
// beta.
func (l *loader) layerNorm(name string, k int) *layerNorm {
	weight, bias := name+".weight", name+".bias"
	if !l.has(weight) && l.has(name+".gamma") {
		weight, bias = name+".gamma", name+".beta"
	}
	n := &layerNorm{weight: l.vector(weight, k, 0)}
	if l.has(bias) {
		n.bias = l.vector(bias, k, 0)
	} else {
		n.bias = make([]float32, k)
	}
	return n
}

// labels returns the names of n classes.
func (s *Source) labels(n int) ([]string, error) {
	labels := make([]string, n)
	for i := range labels {
		labels[i] = "LABEL_" + strconv.Itoa(i) // as transformers does
	}
	if s.GGUF != nil {
		key := s.Architecture + ".classifier.output_labels"
		if !s.GGUF.Has(key) {
			return labels, nil
		}
		names, err := s.GGUF.Strings(key)
		if err == nil && len(names) != n {
			err = s.wrong("%s has %d labels, but the classifier has %d outputs", key, len(names), n)
		}
		return names, err
	}
	if !s.config.has("id2label") {
		return labels, nil
	}
	names, ok := s.config.values["id2label"].(map[string]any)
	if !ok {
		return nil, s.config.wrong("id2label", "an object")
	}
	for key, v := range names {
		id, err := strconv.Atoi(key)
		name, ok := v.(string)
		if err != nil || !ok || id < 0 || id >= n {
			return nil, s.wrong("id2label has the entry %q, but the classifier has %d outputs; the keys are their numbers, and the values names", key, n)
		}
		labels[id] = name
	}
	return labels, nil
}
