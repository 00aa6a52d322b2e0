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

// patterned says which types of the presidio-synth data have a pattern, by the
// kinds that answer them. ADDRESS is not among them, although a few of its
// spans are a postal code alone: the type is the postal address.
var patterned = map[string]Kind{
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

// compare counts spans found with exact borders and kind.
func compare(t *testing.T, rows []labelled) map[Kind]*tally {
	counts := map[Kind]*tally{}
	var kinds []Kind
	for _, kind := range patterned {
		counts[kind] = &tally{}
		kinds = append(kinds, kind)
	}
	for _, row := range rows {
		chars := []rune(row.Text)
		found := Find(row.Text, kinds)
		for _, want := range row.Spans {
			kind, ok := patterned[want.Type]
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

// TestPresidioSynth measures the patterned types of the 100 texts of
// presidio-synth small; spans must agree to the byte. The texts are filled in
// from 82 templates, so they are easy to fit by accident: all 100 were read
// before the recognisers were written. Two larger sets of the same generator
// (generated_large.json and synth_dataset_v2.json of presidio-research, not kept
// with this project) were not, and tell more: they were measured once, and again
// after their errors were mended in general terms. F1:
//
//	                 spans   unseen   mended   mended, without DATE_TIME
//	generated_large    640    .9665    .9881                      1.0000
//	synth_v2           489    .8730    .9217                      1.0000
//	generated_small     34        -    .9855                      1.0000
//
// What is left are dates. The large sets hold years and weekdays alone as
// DATE_TIME, which are no Date here (the small one leaves them unlabelled), and
// the one wrong span here is a true date, "29 March 2017", that is unlabelled
// because it stands in the template.
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
		t.Errorf("F1 is %.4f, less than 0.98", all.f1())
	}
}

// TestNoFalseMask asks for all kinds in 1,000 sentences of reviews, none of
// which has anything to mask: the 75 with two digits in a row, a dot within a
// word, an @ or a month before a figure were read one by one, and hold models of
// phones, amounts, and sentences that run together. Two name a year.
func TestNoFalseMask(t *testing.T) {
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
