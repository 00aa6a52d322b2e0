// Package langid identifies the language of a text by its n-grams of bytes: a naive
// Bayes classifier with the model of py3langid. It needs no language model, and
// computes in integers, so that an answer is the same on every processor.
package langid

import (
	"math"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// temperature divides scores, with the square root of the number of n-grams, because
// neighbouring n-grams are not independent. Repeated n-grams count as often as their
// weight says. make.py says on which texts it was chosen.
const temperature = 0.8

// common are the languages in which most pages of the Web are written. A text is
// moreCommon times as probable in one of them as in another language with the same
// score, which matters for short texts only.
var common = strings.Fields("ar bg cs da de el en es fa fi fr he hi hu id it ja ko nl no pl pt ro ru sk sv th tr uk vi zh")

const moreCommon = 3

// noLanguage is the class of texts such as numbers, markup and identifiers.
const noLanguage = "zxx"

// negligible is the logarithm of a likelihood that is left out of the sum.
const negligible = -20

// maxWeights bounds the counts whose weights are in a table.
const maxWeights = 256

// weights[n] is 256 ln(1+n), rounded: the weight of an n-gram that occurs n times.
var weights = func() (w [maxWeights]int64) {
	for n := range w {
		w[n] = weight(n)
	}
	return w
}()

func weight(n int) int64 { return int64(math.Round(256 * math.Log1p(float64(n)))) }

// Detect returns the code in ISO 639-1 of the most probable language of a text, and its
// probability, rounded to 4 digits. The code is empty for a text without letters, and
// for one that looks more like numbers, markup or identifiers than like any language.
// Its error means that the model in the program is damaged.
func Detect(text string) (code string, probability float64, err error) {
	if !strings.ContainsFunc(text, unicode.IsLetter) {
		return "", 0, nil
	}
	m, err := shared()
	if err != nil {
		return "", 0, err
	}
	s := m.scratch()
	defer scratches.Put(s)
	s.text = append(s.text[:0], ' ')
	s.text = norm.NFC.AppendString(s.text, lowerCapitals(text))
	s.text = append(s.text, ' ')
	m.count(s)
	code, probability = m.best(s)
	return code, probability, nil
}

// lowerCapitals converts a text in capitals to lower case.
func lowerCapitals(text string) string {
	cased := false
	for _, r := range text {
		if unicode.IsLower(r) || unicode.IsTitle(r) {
			return text
		}
		cased = cased || unicode.IsUpper(r)
	}
	if !cased {
		return text
	}
	return strings.ToLower(text)
}

// scratch is the memory of a call.
type scratch struct {
	text   []byte
	counts []int32 // by feature; zero between calls
	seen   []int32 // the features that occur
	scores []int64 // by class
	// likelihoods are those of the codes, relative to the best class.
	likelihoods []float64
}

var scratches sync.Pool

func (m *model) scratch() *scratch {
	if s, ok := scratches.Get().(*scratch); ok && len(s.counts) == len(m.first)-1 {
		return s
	}
	return &scratch{counts: make([]int32, len(m.first)-1), scores: make([]int64, len(m.base)), likelihoods: make([]float64, len(m.codes))}
}

// count counts, for each place of the text, the longest n-gram that ends there.
func (m *model) count(s *scratch) {
	s.seen = s.seen[:0]
	bytes, depth := uint64(0), 0
	for _, b := range s.text {
		bytes = bytes<<8 | uint64(b)
		// An n-gram is at most one byte longer than the one before, because the
		// table has all prefixes.
		f := int32(-1)
		for depth = min(depth+1, maxNgram); depth > 0; depth-- {
			key := bytes&(1<<(8*depth)-1) | uint64(depth)<<56
			if i := m.ngrams.get(key); i >= 0 {
				f = m.feature[i]
				break
			}
		}
		if f < 0 {
			continue
		}
		if s.counts[f] == 0 {
			s.seen = append(s.seen, f)
		}
		s.counts[f]++
	}
}

// best computes the scores of the classes and returns the code with the highest
// probability. It clears the counts.
func (m *model) best(s *scratch) (string, float64) {
	clear(s.scores)
	total := int64(0)
	for _, f := range s.seen {
		w := int64(0)
		if n := s.counts[f]; n < maxWeights {
			w = weights[n]
		} else {
			w = weight(int(n))
		}
		s.counts[f] = 0
		total += w
		levels := m.level[m.first[f]:m.first[f+1]]
		for i, class := range m.class[m.first[f]:m.first[f+1]] {
			s.scores[class] += w * int64(levels[i])
		}
	}
	highest := int64(math.MinInt64)
	for class := range s.scores {
		s.scores[class] = s.scores[class]*unitLevel + total*m.base[class] + m.prior[class]*256
		highest = max(highest, s.scores[class])
	}
	scale := 1 / (256 * units * temperature * math.Sqrt(max(1, float64(total)/float64(weights[1]))))
	clear(s.likelihoods)
	sum := 0.0
	for class, score := range s.scores {
		if x := float64(score-highest) * scale; x > negligible {
			p := math.Exp(x) * m.prevalence[class]
			s.likelihoods[m.code[class]] += p
			sum += p
		}
	}
	best := 0
	for i, p := range s.likelihoods {
		if p > s.likelihoods[best] {
			best = i
		}
	}
	code, most := m.codes[best], s.likelihoods[best]
	if code == noLanguage {
		return "", 0
	}
	return code, math.Round(most/sum*1e4) / 1e4
}
