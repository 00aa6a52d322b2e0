package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

const hostile = `</title></svg></style></script><script>window.ran=1</script><img src=x onerror="window.ran=1">" onload="window.ran=1" {{.}} &lt;`

// sample has all parts, with ordinary and hostile content.
func sample() Report {
	random := rand.New(rand.NewPCG(1, 1))
	var latency []float64
	var rate, other []Point
	for i := range 400 {
		latency = append(latency, 20+random.ExpFloat64()*15)
		if i%10 == 0 {
			rate = append(rate, Point{float64(i) / 10, 45 + 10*random.Float64()})
			other = append(other, Point{float64(i) / 10, 25 + 5*random.Float64()})
		}
	}
	bins := []ReliabilityBin{{0.4, 0.5, 0.47, 0.4, 12}, {0.5, 0.6, 0.56, 0.52, 30}, {0.8, 0.9, 0.84, 0.8, 80}, {0.9, 1, 0.97, 0.93, 200}, {Rows: 0}}
	many := strings.Fields("billing delivery product refund account login outage praise other spam hardware software network legal press")
	matrix := make([][]int, len(many))
	for i := range matrix {
		matrix[i] = make([]int, len(many))
		matrix[i][i] = 20 + i
		matrix[i][(i*7)%len(many)] += 6
	}
	return Report{
		Title: "ai_analyze_sentiment on reviews.csv", Subtitle: "1,000 rows with labels · SmolLM2-135M-Instruct", Footer: "firesteel, 25 November 2026",
		Sections: []Section{
			{Title: "Run", Parts: []Part{Facts{{"function", "ai_analyze_sentiment"}, {"rows", "1,000"}, {"hostile", hostile}, {"long", strings.Repeat("x", 300)}}}},
			{Title: "Figures", Text: "The bars show values, and the lines on them 95 % intervals.", Parts: []Part{
				Bars{Caption: "Figures", Systems: []string{"ai_analyze_sentiment", "plain prompt"}, Names: []string{"accuracy", "macro-F1", "F1 of negative", "a figure that is not defined"},
					Values: [][]Bar{{{0.91, 0.88, 0.93}, {0.48, 0.45, 0.51}}, {{0.9, 0.87, 0.92}, {0.39, 0.36, 0.42}}, {{1, 1, 1}, {0, 0, 0}}, {{math.NaN(), math.NaN(), math.NaN()}, {0.2, 0, 0.5}}}},
				Heatmap{Caption: "Confusion", Note: "ai_analyze_sentiment", RowAxis: "label", ColAxis: "answer", Rows: []string{"negative", "positive"},
					Columns: []string{"negative", "positive", "neutral", "(none)"}, Counts: [][]int{{440, 30, 20, 10}, {25, 465, 10, 0}}},
				Reliability{Caption: "Reliability", Bins: bins},
				Heatmap{Caption: "Confusion of many", RowAxis: "label", ColAxis: "answer", Rows: many, Columns: many, Counts: matrix},
				Heatmap{Caption: hostile, RowAxis: hostile, ColAxis: hostile, Rows: []string{hostile}, Columns: []string{hostile}, Counts: [][]int{{3}}},
			}},
			{Title: "Time", Parts: []Part{
				Histogram{Caption: "Latency", Axis: "ms a row", Values: latency},
				Lines{Caption: "Throughput", AxisX: "seconds", AxisY: "rows/s", Series: []string{"local", "Spark"}, Points: [][]Point{rate, other}},
				Histogram{Caption: "Nothing", Axis: "ms"}, Lines{Caption: "Nothing", Series: nil},
				Histogram{Caption: "One value", Axis: "ms", Values: []float64{7, math.Inf(1)}},
			}},
			{Title: "Wrong answers", Text: hostile, Parts: []Part{
				Table{Caption: "Errors", Columns: []Column{{Name: "row", Number: true}, {Name: "input", Long: true}, {Name: "label"}, {Name: "answer", Long: true}},
					Rows: [][]string{{"17", hostile, "positive", hostile}, {"18", "مرحبا بالعالم abc\nsecond line", "neutral", strings.Repeat("W", 400)}, {"19", "nul \x00 esc \x1b[31m bad \xff", "negative"}}},
				Table{Caption: "Figures", Columns: []Column{{Name: "figure"}, {Name: "value", Number: true}, {Name: "95 % interval", Number: true}, {Name: "plain prompt", Number: true}, {Name: "difference", Number: true}, {Name: "p", Number: true}},
					Rows: [][]string{{"accuracy", "0.910", "0.890 to 0.930", "0.480", "+0.430 (+0.39 to +0.47)", "< 0.001"}}},
				Table{Empty: "all answers are correct"},
			}},
		},
	}
}

func written(t testing.TB, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// outside matches elements and attributes that fetch or run something.
var outside = regexp.MustCompile(`(?i)<(script|img|iframe|object|embed|form|base|a|use|image|foreignobject)[\s>]|[<\s]on[a-z]+\s*=\s*"[^&]|url\(|@import|https?:`)

func TestNothingRunsOrIsFetched(t *testing.T) {
	text := written(t, sample())
	// Values of attributes are removed: they hold escaped text.
	if found := outside.FindString(regexp.MustCompile(`="[^"]*"`).ReplaceAllString(text, `=""`)); found != "" {
		t.Errorf("%q is in the page", found)
	}
	if !strings.Contains(text, "&lt;script&gt;window.ran=1") {
		t.Error("the hostile text is not shown")
	}
	if strings.ContainsAny(text, "\x00\x1b") {
		t.Error("control characters are in the page")
	}
}

// Plots are well-formed for all texts and numbers.
func FuzzPlots(f *testing.F) {
	f.Add(hostile, 0.5, 1.5, int64(3))
	f.Add("", math.Inf(1), math.NaN(), int64(-1))
	f.Add("x", 1e308, -1e308, int64(1<<40))
	f.Add("0", 2.5e305, -1e308, int64(1<<40))
	f.Fuzz(func(t *testing.T, text string, a, b float64, n int64) {
		names := []string{text, "y"}
		for _, p := range []Part{
			Facts{{text, text}},
			Table{Caption: text, Columns: []Column{{Name: text}, {Long: true}}, Rows: [][]string{{text, text}, {}}},
			Bars{Caption: text, Systems: names, Names: names, Values: [][]Bar{{{a, b, a}, {b, a, b}}, {{a, a, a}, {b, b, b}}}},
			Heatmap{Caption: text, Rows: names, Columns: names, Counts: [][]int{{int(n), 0}, {1, int(n)}}},
			Lines{Caption: text, AxisX: text, Series: names, Points: [][]Point{{{a, b}, {b, a}}, {{b, b}}}},
			Histogram{Caption: text, Axis: text, Values: []float64{a, b, a + b}},
			Reliability{Caption: text, Bins: []ReliabilityBin{{a, b, a, b, int(n)}}},
		} {
			html := string(p.html("id"))
			d := xml.NewDecoder(strings.NewReader(html))
			for {
				token, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%T: %v in %s", p, err, html)
				}
				if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "img") {
					t.Fatalf("%T: <%s> in %s", p, e.Name.Local, html)
				}
			}
			if strings.Contains(html, "NaN\"") || strings.Contains(html, "Inf\"") {
				t.Fatalf("%T: a coordinate is not a number: %s", p, html)
			}
		}
	})
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{{0, 1, "0 0.2 0.4 0.6 0.8 1"}, {0, 57, "0 20 40"}, {3, 3, "3"}, {0, 123456, "0 50 k 100 k"}} {
		var got []string
		for _, v := range ticks(c.low, c.high, 5) {
			got = append(got, short(v))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v to %v: %q, want %q", c.low, c.high, got, c.want)
		}
	}
}
