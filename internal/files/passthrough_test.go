package files

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// Values that pass from one text format to another are written unchanged.
func TestPassThrough(t *testing.T) {
	for _, c := range []struct {
		what     string
		from     Format
		content  string
		to       Format
		want     string // "" is the content itself
		badRows  int
		readOpts ReadOptions
	}{
		{what: "CSV to CSV", from: CSV, to: CSV, content: "a,b,c,d,e,f,g\n1,1.50,1e3,-0.0,007,true, x \n12345678901234567890,2.5,1E5,.5,+5,false,\"\"\n3,1.0,-1.5e-300,5.,1,true,\n"},
		{what: "CSV to CSV, quotes where they are needed", from: CSV, to: CSV, content: "a,b\n\"1\",\"x\"\n2,\"y,\"\"z\"\"\nw\"\n", want: "a,b\n1,x\n2,\"y,\"\"z\"\"\nw\"\n"},
		{what: "CSV to TSV", from: CSV, to: TSV, content: "a,b\n1.50,\"x\ty\"\n2.5,\"x,y\"\n", want: "a\tb\n1.50\t\"x\ty\"\n2.5\tx,y\n"},
		{what: "CSV to JSON", from: CSV, to: JSON, content: "a,b,c,d,e,f\n1,1.50,1e3,007,true,x\n12345678901234567890,2.5,NaN,08,false,\"\"\n,,-inf,,,\n1,-0.0,.5,5.,true,\"\u00e4\"\"\n\"\n",
			want: "{\"a\":1,\"b\":1.50,\"c\":1e3,\"d\":\"007\",\"e\":true,\"f\":\"x\"}\n{\"a\":12345678901234567890,\"b\":2.5,\"c\":\"NaN\",\"d\":\"08\",\"e\":false,\"f\":\"\"}\n" +
				"{\"a\":null,\"b\":null,\"c\":\"-Infinity\",\"d\":null,\"e\":null,\"f\":null}\n{\"a\":1,\"b\":-0.0,\"c\":0.5,\"d\":\"5.\",\"e\":true,\"f\":\"\u00e4\\\"\\n\"}\n"},
		{what: "CSV to JSON, points without digits", from: CSV, to: JSON, content: "a,b\n-.5,.12345678901234567890\n5.,-1.5\n-5.e3,.50\n", want: "{\"a\":-0.5,\"b\":0.12345678901234567890}\n{\"a\":5,\"b\":-1.5}\n{\"a\":-5e3,\"b\":0.50}\n"},
		{what: "JSON to JSON", from: JSON, to: JSON, content: "{\"a\":1.0,\"b\":1e400,\"c\":-0,\"d\":\"\\u00e4\\ud800\",\"e\":{\"x\": 1.10, \"x\": [ 1E5 ]},\"f\":12345678901234567890}\n" +
			"{\"a\":2,\"b\":\"x\",\"c\":null,\"d\":\"\\/\",\"e\":{},\"f\":0.1}\n{\"a\":NaN,\"b\":true,\"c\":-Infinity,\"d\":\"\",\"e\":{\"x\": null},\"f\":[]}\n"},
		{what: "JSON to JSON, white space and lines", from: JSON, to: JSON, content: "[ {\"a\" : {\n\"x\" : \"a b\",\r\n \"y\": [1, 2]\n} , \"b\": 1.0},\n{\"b\" : \"\\u0041\"} ]", want: "{\"a\":{\"x\":\"a b\",\"y\":[1,2]},\"b\":1.0}\n{\"a\":null,\"b\":\"\\u0041\"}\n"},
		{what: "JSON to CSV", from: JSON, to: CSV, content: "{\"a\":1.0,\"b\":1e400,\"c\":\"\\u00e4\\ud83d\\ude00\\\"\",\"e\":{\"x\": 1.10}}\n{\"a\":2,\"b\":true,\"c\":\"\",\"e\":[\"\\ud800\"]}\n{\"a\":NaN,\"b\":null,\"c\":\"\\ud800\"}\n",
			want: "a,b,c,e\n1.0,1e400,\"ä😀\"\"\",\"{\"\"x\"\": 1.10}\"\n2,true,\"\",\"[\"\"\\ud800\"\"]\"\nNaN,,,\n", badRows: 1},
		{what: "CSV to JSON, NULL and all text", from: CSV, to: JSON, content: "a\nNA\n1.50\n", want: "{\"a\":null}\n{\"a\":\"1.50\"}\n", readOpts: ReadOptions{AllText: true, Null: []string{"NA"}}},
	} {
		bad := 0
		o := c.readOpts
		o.Format, o.To, o.Stdin, o.Bad = c.from, c.to, strings.NewReader(c.content), func(Bad) { bad++ }
		batch, _, err := func() (b bytes.Buffer, n int, err error) {
			r, err := Open(t.Context(), "-", o)
			if err != nil {
				return b, 0, err
			}
			defer r.Close()
			rows := readAll(t, r)
			defer rows.Release()
			write(t, "-", WriteOptions{Format: c.to, Stdout: &b}, rows)
			return b, int(rows.NumRows()), nil
		}()
		if c.want == "" {
			c.want = c.content
		}
		if err != nil || batch.String() != c.want || bad != c.badRows {
			t.Errorf("%s: %v, %d bad rows\ngot  %s\nwant %s", c.what, err, bad, batch.String(), c.want)
		}
	}
}

// Text is read in the named encoding, or in a Unicode encoding that is detected.
func TestEncodings(t *testing.T) {
	const text = "id,t\n1,Grüße €\n2,日本 𝄞\n"
	utf16 := func(order ...int) []byte {
		var b []byte
		for _, r := range text {
			units := []rune{r}
			if r > 0xffff {
				units = []rune{0xd800 + (r-0x10000)>>10, 0xdc00 + (r-0x10000)&0x3ff}
			}
			for _, u := range units {
				two := [2]byte{byte(u), byte(u >> 8)}
				b = append(b, two[order[0]], two[order[1]])
			}
		}
		return b
	}
	little, big := utf16(0, 1), utf16(1, 0)
	const want = "id int64, t utf8\n1|\"Grüße €\"\n2|\"日本 𝄞\""
	for _, c := range []struct {
		what     string
		content  []byte
		encoding string
	}{
		{"UTF-8 with a mark", []byte("\xef\xbb\xbf" + text), ""}, {"UTF-8, named", []byte("\xef\xbb\xbf" + text), "UTF8"},
		{"UTF-16 with a mark", append([]byte("\xff\xfe"), little...), ""}, {"UTF-16, big, with a mark", append([]byte("\xfe\xff"), big...), ""},
		{"UTF-16 without a mark", little, ""}, {"UTF-16, big, without a mark", big, ""},
		{"UTF-16LE", little, "utf-16le"}, {"UTF-16BE", big, "UTF-16BE"}, {"UTF-16, named, with a mark", append([]byte("\xfe\xff"), big...), "utf-16"},
	} {
		for _, o := range []ReadOptions{{Encoding: c.encoding}, {Encoding: c.encoding, Format: CSV, Stdin: slow{bytes.NewReader(c.content)}}} {
			path := "-"
			if o.Stdin == nil {
				path = save(t, "a.csv", string(c.content))
			}
			if got, err := table(t, path, o); err != nil || got != want {
				t.Errorf("%s: %v: %s", c.what, err, got)
			}
		}
	}
	encoded := func(s string, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for encoding, content := range map[string]string{
		"windows-1252": encoded(charmap.Windows1252.NewEncoder().String("t\nGrüße €\n")), "cp1252": "t\nGr\xfc\xdfe \x80\n",
		"latin1": "t\nGr\xfc\xdfe\n", "ISO-8859-1": "t\nGr\xfc\xdfe\n", "shift_jis": encoded(japanese.ShiftJIS.NewEncoder().String("t\n日本\n")),
	} {
		want := map[string]string{"shift_jis": "日本", "latin1": "Grüße", "ISO-8859-1": "Grüße"}[encoding]
		if want == "" {
			want = "Grüße €"
		}
		if got, err := table(t, save(t, "a.csv", content), ReadOptions{Encoding: encoding}); err != nil || got != "t utf8\n\""+want+"\"" {
			t.Errorf("%s: %v: %s", encoding, err, got)
		}
	}
	// Invalid text is an error of one cell.
	for encoding, content := range map[string]string{"utf-8": "a,t\n1,x\xff\n", "utf-16be": "\x00a\x00,\x00t\x00\n\x001\x00,\xd8\x00\x00\n", "shift_jis": "a,t\n1,\x81\n"} {
		bad := ""
		got, err := table(t, save(t, "a.csv", content), ReadOptions{Encoding: encoding, Bad: func(b Bad) { bad += sensitive.Shown(b.Reason) }})
		if err != nil || got != "a int64, t utf8\n1|null" || !strings.Contains(bad, "line 2, column t: ") {
			t.Errorf("%s: %v, %s: %s", encoding, err, bad, got)
		}
	}
}

// A gzip file may have several members, with zeros between and after them. If the
// name has no suffix, the first bytes identify compressed input.
func TestPacked(t *testing.T) {
	member := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		return b.String()
	}
	zeros := strings.Repeat("\x00", 100000)
	for what, content := range map[string]string{
		"members": member("a\n1\n") + member("2\n"), "zeros": member("a\n1\n2\n") + zeros, "zeros between": member("a\n1\n") + zeros + member("2\n") + "\x00", "an empty member": member("") + member("a\n1\n2\n") + member(""),
	} {
		for _, o := range []ReadOptions{{}, {Format: CSV, Stdin: slow{strings.NewReader(content)}}, {Format: CSV}} {
			path := "-"
			if o.Stdin == nil {
				path = save(t, "a.csv.gz", content)
			}
			if o.Format != "" && o.Stdin == nil {
				path = save(t, "packed", content)
			}
			if got, err := table(t, path, o); err != nil || got != "a int64\n1\n2" {
				t.Errorf("%s of %s: %v: %q", what, path, err, got)
			}
		}
	}
}
