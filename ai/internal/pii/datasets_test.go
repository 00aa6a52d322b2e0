package pii

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// presidioKinds maps the types of presidio-synth that have a pattern to kinds.
// ADDRESS has none: it is the postal address, although a few of its spans are
// only a postal code.
var presidioKinds = map[string]Kind{
	"CREDIT_CARD": CreditCard, "DATE_TIME": Date, "DOMAIN_NAME": URL, "EMAIL_ADDRESS": Email, "IP_ADDRESS": IPAddress,
	"IBAN_CODE": IBAN, "PHONE_NUMBER": Phone, "US_DRIVER_LICENSE": DriverLicence, "US_SSN": SSN,
}

type labelled struct {
	Text  string `json:"full_text"`
	Spans []struct {
		Type  string `json:"entity_type"`
		Start int    `json:"start_position"` // in characters
		End   int    `json:"end_position"`
	} `json:"spans"`
}

type tally struct{ right, wrong, missed int }

func (c tally) String() string {
	if c == (tally{}) {
		return "none in the data, none found"
	}
	return fmt.Sprintf("%3d right %3d wrong %3d missed   precision %.4f recall %.4f F1 %.4f", c.right, c.wrong, c.missed,
		ratio(c.right, c.right+c.wrong), ratio(c.right, c.right+c.missed), c.f1())
}

func (c tally) f1() float64 { return ratio(2*c.right, 2*c.right+c.wrong+c.missed) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// compare counts, for each kind, the spans that Find returns with the exact
// bounds (right), those that it returns in addition (wrong) and those that it
// does not return (missed).
func compare(t *testing.T, rows []labelled) map[Kind]*tally {
	counts := map[Kind]*tally{}
	var kinds []Kind
	for _, kind := range presidioKinds {
		counts[kind] = &tally{}
		kinds = append(kinds, kind)
	}
	for _, row := range rows {
		chars := []rune(row.Text)
		found := Find(row.Text, kinds)
		for _, want := range row.Spans {
			kind, ok := presidioKinds[want.Type]
			if !ok {
				continue
			}
			start := len(string(chars[:want.Start]))
			end := len(string(chars[:want.End]))
			i := slices.IndexFunc(found, func(s Span) bool { return s.Start == start && s.End == end && s.Kind == kind })
			if i < 0 {
				counts[kind].missed++
				t.Logf("missed %s %q in %q", want.Type, row.Text[start:end], row.Text)
				continue
			}
			counts[kind].right++
			found = slices.Delete(found, i, i+1)
		}
		for _, s := range found {
			if c := counts[s.Kind]; c != nil {
				c.wrong++
			}
			t.Logf("wrong %s %q in %q", s.Kind, row.Text[s.Start:s.End], row.Text)
		}
	}
	return counts
}

// TestPresidioSynth measures the types of presidioKinds in the 100 texts of
// presidio-synth small. Spans must have the exact bounds. The texts are filled
// in from 82 templates and all were read before the recognisers were written, so
// overfitting is likely. Two larger sets of the same generator
// (generated_large.json and synth_dataset_v2.json of presidio-research, which
// are not part of this project) had not been read. They were measured once, and
// again after general corrections for their errors. F1:
//
//	                 spans   first    corrected   corrected, without DATE_TIME
//	generated_large    640    .9665       .9881                         1.0000
//	synth_v2           489    .8730       .9217                         1.0000
//	generated_small     34        -       .9855                         1.0000
//
// The remaining errors are dates. The large sets label years and weekdays as
// DATE_TIME; Date does not include them, and the small set does not label them.
// The one wrong span of the small set is a real date, "29 March 2017", in the
// fixed text of a template, where the set has no labels.
func TestPresidioSynth(t *testing.T) {
	b, err := os.ReadFile(testkit.Data(t, "data/presidio-synth/generated_small.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []labelled
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	counts := compare(t, rows)
	var all tally
	for _, kind := range Kinds() {
		if c := counts[kind]; c != nil {
			t.Logf("%-14s %s", kind, c)
			all = tally{all.right + c.right, all.wrong + c.wrong, all.missed + c.missed}
		}
	}
	t.Logf("%-14s %s", "all", all)
	if all.f1() < 0.98 {
		t.Errorf("F1 is %.4f, want at least 0.98", all.f1())
	}
}

// TestNoFalsePositives requests all kinds in 1,000 sentences of reviews that
// contain no private data. The 75 sentences with two consecutive digits, a dot
// within a word, an @ or a month before a number were checked by hand: they
// contain models of phones, amounts, and sentences without a space between them.
// Two name a year.
func TestNoFalsePositives(t *testing.T) {
	f, err := os.Open(testkit.Data(t, "data/uci-sentiment/amazon_cells_labelled.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	lines := bufio.NewScanner(f)
	for ; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "\t")
		if found := Find(text, nil); len(found) > 0 {
			t.Errorf("%q gives%s", text, list(text, found))
		}
	}
	if err := lines.Err(); err != nil || n != 1000 {
		t.Errorf("read %d sentences of 1000: %v", n, err)
	}
}
