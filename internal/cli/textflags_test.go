package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run, explain and eval read text files as the flags say.
func TestTextFlags(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"odd.txt":  "a title\n\n# about\ntext§mood\n'It is good.'§positive\n#x§y\n'Bad, it''s'§negative\nN/A§\n",
		"west.csv": "text;mood\nSch\xf6n, good;positive\nbad;negative\n",
		"esc.csv":  "text,mood\n\"say \\\"good\\\"\",positive\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	odd := []string{"--format", "csv", "--skip", "2", "--comment", "#", "--delimiter", "§", "--quote", "'", "--null", "N/A"}
	west := []string{"--encoding", "windows-1252"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{append([]string{"run", "odd.txt", "--where", "true"}, odd...), "text,mood\nIt is good.,positive\n\"Bad, it's\",negative\n,\n"},
		{append([]string{"run", "west.csv", "--where", "true"}, west...), "text,mood\n\"Schön, good\",positive\nbad,negative\n"},
		{[]string{"run", "esc.csv", "--where", "true", "--escape", `\`}, "text,mood\n\"say \"\"good\"\"\",positive\n"},
		{[]string{"run", "esc.csv", "--where", "true", "--output-format", "tsv", "--delimiter", `\t`, "--quote", "none"}, "text,mood\n\"\"\"say \\\"\"good\\\"\"\"\",positive\"\n"},
	} {
		if status, out, errs := do(c.args...); status != exitOK || out != c.want {
			t.Errorf("%q: exit code %d, %q, want %q\n%s", c.args, status, out, c.want, errs)
		}
	}
	const mood = "mood2=ai_analyze_sentiment(text)"
	if status, out, errs := do(append([]string{"explain", "odd.txt", "--add", mood, "--calibrate", "1ms"}, odd...)...); status != exitOK || !strings.Contains(out, "odd.txt: 3 rows") {
		t.Errorf("explain: exit code %d, %s%s", status, out, errs)
	}
	for _, args := range [][]string{append([]string{"eval", "odd.txt"}, odd...), append([]string{"eval", "west.csv"}, west...)} {
		args = append(args, "-f", "ai_analyze_sentiment", "-i", "text", "-l", "mood")
		if status, out, errs := do(args...); status != exitOK || !strings.Contains(out, "rows with a label: 2") || !strings.Contains(out, "all answers") && !strings.Contains(out, "2 answers") {
			t.Errorf("%q: exit code %d, %s%s", args, status, out, errs)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"run odd.txt --where true --quote ab", "cannot be the quote of CSV"},
		{"run odd.txt --where true --skip -1", "--skip must be at least 0"},
		{"run odd.txt --where true --encoding klingon", `unknown encoding "klingon"`},
		{"run x.csv --remote sc://localhost --where true -o y.csv --skip 1", "with --remote, --skip"},
		{"run x.csv --remote sc://localhost --where true -o y.csv --csv-safe", "with --remote, --csv-safe"},
		{"eval odd.txt -f ai_analyze_sentiment -i text -l mood --escape ab", "cannot be the escape of CSV"},
	} {
		if status, _, errs := do(strings.Fields(c.args)...); status != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %s", c.args, status, errs)
		}
	}
}

// Values that pass through are written unchanged, and expressions see their values.
func TestRunPassesThrough(t *testing.T) {
	t.Chdir(t.TempDir())
	csv := "id,price,n,t\n1,1.50,1e3,=1+1\n007,2.5,-0.0,\"a,b\"\n3,10,NaN,\"\"\n"
	json := "{\"id\":1.0,\"o\":{\"p\": 1.10, \"q\": \"\\u00e4\"},\"t\":\"x\"}\n{\"id\":2,\"o\":{\"p\": 2E2},\"t\":\"\\ud800\"}\n"
	for name, content := range map[string]string{"a.csv": csv, "a.jsonl": json, "bad.csv": "id,t\n1,\xff\n2\nx,\"y\"z\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"run a.csv --where price>=1.50", exitOK, csv},
		{"run a.csv --where price>2", exitOK, "id,price,n,t\n007,2.5,-0.0,\"a,b\"\n3,10,NaN,\"\"\n"},
		{"run a.csv --where n=1000 --add m=n", exitOK, "id,price,n,t,m\n1,1.50,1e3,=1+1,1000\n"},
		{"run a.csv --where true --csv-safe", exitOK, strings.Replace(csv, "=1+1", "'=1+1", 1)},
		{"run a.csv --where true --limit 1", exitOK, "id,price,n,t\n1,1.50,1e3,=1+1\n"},
		{"run a.jsonl --where true --output-format jsonl", exitOK, json},
		{"run a.jsonl --where o.p>2 --output-format jsonl", exitOK, "{\"id\":2,\"o\":{\"p\": 2E2},\"t\":\"\\ud800\"}\n"},
		{"run a.jsonl --where true", exitIncomplete, "id,o,t\n1.0,\"{\"\"p\"\": 1.10, \"\"q\"\": \"\"\\u00e4\"\"}\",x\n2,\"{\"\"p\"\": 2E2}\",\n"},
		{"run bad.csv --where true --errors why", exitIncomplete, "id,t,why\n1,,\"bad.csv, line 2, column t: byte 0xFF at offset 0 is not valid UTF-8: give the encoding of the file, such as windows-1252\"\n" +
			"2,,\"bad.csv, line 3: the row has 1 cell, but the first line has 2\"\n" +
			"x,,\"bad.csv, line 4, column t: a character other than a delimiter follows the closing quote; write a quote within the text twice (or give the escape character)\"\n"},
		{"run bad.csv --where true --bad-rows fail", exitFailed, ""},
		// A condition that does not need what is missing decides.
		{"run bad.csv --where id=2 --errors why", exitIncomplete, "id,t,why\n2,,\"bad.csv, line 3: the row has 1 cell, but the first line has 2\"\n"},
		{"run bad.csv --where id=5", exitOK, "id,t\n"},
		{"run bad.csv --where t='5'", exitIncomplete, "id,t\n1,\n2,\nx,\n"},
	} {
		status, out, errs := do(strings.Fields(c.args)...)
		if status != c.status || c.status != exitFailed && out != c.want {
			t.Errorf("%s: exit code %d\ngot  %s\nwant %s\n%s", c.args, status, out, c.want, errs)
		}
	}
	if status, _, errs := do("run", "a.csv", "--where", "true", "-o", "b.parquet"); status != exitOK {
		t.Fatal(errs)
	}
	if _, out, errs := do("run", "b.parquet", "--where", "true"); out != "id,price,n,t\n1,1.50,1000,=1+1\n007,2.50,-0,\"a,b\"\n3,10.00,NaN,\"\"\n" {
		t.Errorf("by Parquet: %s%s", out, errs)
	}
}

// A value after the first MiB of standard input that does not fit the inferred type
// does not affect the rest of its row.
func TestRunStandardInput(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	var in bytes.Buffer
	in.WriteString("id,price,t\n")
	for range 60000 {
		in.WriteString("1,7.50,not at all so\n")
	}
	in.WriteString("900001,12.125,good text\n")
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--add", "m=ai_analyze_sentiment(t)"}, exitOK, "900001,12.125,good text,positive"},
		{[]string{"--add", "m=ai_analyze_sentiment(t)", "--output-format", "jsonl"}, exitOK, `{"id":900001,"price":12.125,"t":"good text","m":"positive"}`},
		{[]string{"--where", "price > 100", "--errors", "why"}, exitIncomplete, `900001,12.125,good text,"standard input, line 60002, column price: ""12.125"" is not a valid DECIMAL(38,2), the type inferred from the first rows of the column: give the column a wider type, such as STRING, or read all columns as text"`},
	} {
		var out, errs bytes.Buffer
		status := Do(append([]string{"run", "-", "--format", "csv", "-m", "fake"}, c.args...), bytes.NewReader(in.Bytes()), &out, &errs)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if status != c.status || lines[len(lines)-1] != c.want {
			t.Errorf("%q: exit code %d, %s\n%s", c.args, status, lines[len(lines)-1], errs.String())
		}
	}
	path := filepath.Join(t.TempDir(), "out.parquet")
	if status := Do([]string{"run", "-", "--format", "csv", "--where", "price > 8", "-o", path}, bytes.NewReader(in.Bytes()), &bytes.Buffer{}, &bytes.Buffer{}); status != exitOK {
		t.Fatalf("exit code %d", status)
	}
	if _, out, errs := do("run", path, "--where", "true"); out != "id,price,t\n900001,12.125,good text\n" {
		t.Errorf("by Parquet: %s%s", out, errs)
	}
}
