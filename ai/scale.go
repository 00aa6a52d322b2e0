package ai

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// scale is what ai_score measures.
type scale struct {
	criterion string
	// levels are those of the rubric, in the order of their values. There are none, or
	// at least two.
	levels []level
}

// level is a level of a rubric.
type level struct {
	value float64 // as in the rubric
	about string
}

const maxScoreLevels = 20

// levelForm matches a level of a rubric, such as "3: the problem can wait" and "3 = ...".
var levelForm = regexp.MustCompile(`^(-?\d{1,6}(?:\.\d{1,6})?)\s*[:=]\s*(\S.*)$`)

// readScale reads criteria. Lines and parts between semicolons that begin with a number
// and a colon are the levels of a rubric, if there are at least two. The rest is the criterion.
func readScale(criteria string) (s scale, err error) {
	var about []string
	for part := range strings.FieldsFuncSeq(criteria, func(r rune) bool { return r == '\n' || r == '\r' || r == ';' }) {
		part = strings.TrimSpace(part)
		if m := levelForm.FindStringSubmatch(part); m != nil {
			value, _ := strconv.ParseFloat(m[1], 64) // cannot fail for levelForm
			s.levels = append(s.levels, level{value, endless(m[2])})
		} else if part != "" {
			about = append(about, part)
		}
	}
	if len(s.levels) < 2 {
		s.levels = nil
		about = strings.Fields(criteria)
		s.criterion = endless(strings.Join(about, " "))
		return s, nil
	}
	s.criterion = endless(strings.Join(about, " "))
	return s, s.check()
}

// endless removes the end of a sentence.
func endless(text string) string { return strings.TrimRight(strings.TrimSpace(text), ".!:?, ") }

// check sorts the levels, and returns an *ArgumentError for those that are not a scale.
func (s *scale) check() error {
	if len(s.levels) > maxScoreLevels {
		return badArgument("criteria", "the rubric has %d levels; the limit is %d", len(s.levels), maxScoreLevels)
	}
	slices.SortFunc(s.levels, func(a, b level) int { return cmp.Compare(a.value, b.value) })
	for i, l := range s.levels {
		if l.about == "" {
			return badArgument("criteria", "level %s of the rubric has no description", number(l.value))
		}
		if i > 0 && s.levels[i-1].value == l.value {
			return badArgument("criteria", "the rubric has level %s twice", number(l.value))
		}
		if i > 0 && s.levels[i-1].about == l.about {
			return badArgument("criteria", "two levels of the rubric have the same description, %s", sensitive.Text(l.about))
		}
	}
	return nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// places returns the place of each level between the lowest, 0, and the highest, 1.
func (s scale) places() []float64 {
	low, high := s.levels[0].value, s.levels[len(s.levels)-1].value
	all := make([]float64, len(s.levels))
	for i, l := range s.levels {
		all[i] = (l.value - low) / (high - low)
	}
	return all
}

// evenly returns n places from 0 to 1 with equal distances.
func evenly(n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = float64(i) / float64(n-1)
	}
	return all
}

// howForm matches a criterion such as "how satisfied the customer is with it", and its
// question "how satisfied is the customer".
const subject = `((?:the|an?|this|that|these|those|it|he|she|they|his|her|its|their|my|our|people|someone)\b.*?)`

var (
	howForm      = regexp.MustCompile(`(?i)^how ([a-z-]+(?: [a-z-]+)??) ` + subject + ` (is|are|was|were|feels?|felt|seems?|sounds?|looks?)( .+)?$`)
	questionForm = regexp.MustCompile(`(?i)^how ([a-z-]+) (is|are|was|were) ` + subject + `$`)
)

// poles returns statements for the lowest and the highest score by a criterion, such as
// "the customer is not satisfied" and "the customer is very satisfied" for "how satisfied
// the customer is". ok is false if the criterion does not have such a form.
func poles(criterion string) (low, high string, ok bool) {
	state := func(subject, verb, adjective, rest string) (string, string, bool) {
		begin := subject + " " + strings.ToLower(verb) + " "
		return begin + "not " + adjective + rest, begin + "very " + adjective + rest, true
	}
	if m := howForm.FindStringSubmatch(criterion); m != nil && !strings.HasPrefix(strings.ToLower(m[1]), "much") {
		return state(m[2], m[3], m[1], m[4])
	}
	if m := questionForm.FindStringSubmatch(criterion); m != nil {
		return state(m[3], m[2], m[1], "")
	}
	return "", "", false
}
