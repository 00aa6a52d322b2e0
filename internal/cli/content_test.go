package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// canary is part of rows, constants, answers and messages of servers.
const canary = "Zilpzalp7"

// canaryModel returns answers with the canary that no function can parse.
type canaryModel struct{ evalModel }

func (canaryModel) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		results[i] = llm.Result{Text: `{"` + canary + `": "` + canary + ` said`, Finish: llm.FinishStop}
		if strings.Contains(fmt.Sprint(r), "round") {
			results[i].Finish = llm.FinishRepeat
		}
	}
	return results, nil
}

func (canaryModel) Embed(_ context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	all := make([]llm.Embedding, len(requests))
	for i := range all {
		all[i].Err = fmt.Errorf("%w: no vector", llm.ErrModel)
	}
	return all, nil
}

// canaryCalls have the canary as a constant, or fail because of it.
var canaryCalls = []string{
	"ai_gen(text)", "ai_fix_grammar(text)", "ai_summarize(text)", "ai_translate(text, 'de')", "ai_translate(text, 'CANARY')", "ai_translate(text, text)",
	"ai_analyze_sentiment(text)", "ai_classify(text, array('CANARY', 'b'))", "ai_classify(text, array('CANARY', 'CANARY'))", "ai_classify(text, text)",
	"ai_classify(text, array('a', 'b'), map('CANARY', '1'))", "ai_classify(text, array('a', 'b'), map('multilabel', 'CANARY'))",
	"ai_classify(text, '{\"CANARY\": 1}')", "ai_classify(text, 'CANARY')", "ai_extract(text, array('CANARY'))", "ai_extract(text, '{\"CANARY')",
	"ai_extract_json(text, '{\"type\": \"CANARY\"}')", "ai_extract_json(text, '{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\", \"pattern\": \"CANARY(\"}}}')",
	"ai_mask(text, array('CANARY'))", "ai_query('CANARY', text)", "ai_query(text, 'CANARY')", "ai_query('default', text, 'STRUCT<a: CANARY>')",
	"ai_query('default', text, 'STRUCT<a: INT>')", "ai_query('default', text, modelParameters => map('CANARY', '1'))",
	"ai_query('default', text, modelParameters => map('max_tokens', 'CANARY'))", "ai_query('default', text, responseFormat => '{\"type\": \"CANARY\"}')",
	"ai_query('default', text, responseFormat => 'CANARY')", "ai_similarity(text, 'CANARY')", "ai_embed(text)", "try_ai_gen(text)",
	"try_ai_classify(text, array('CANARY', 'CANARY'))", "if(text = 'CANARY', 'CANARY', ai_gen(text))", "ai_gen('text')", "CANARY(text)('x')", "text = 'CANARY",
	"DATE'CANARY'", "text LIKE 'CANARY\\\\CANARY'",
}

// The content of rows, constants and answers is in no error, log or report of run
// and explain. The output has it, because errors of try_ functions and of --errors
// are data. With --log-content the errors quote it.
func TestContentIsNotTold(t *testing.T) {
	real := openModel
	openModel = func(context.Context, models.Reference, models.Options) (llm.Model, error) {
		return canaryModel{evalModel{name: "canary"}}, nil
	}
	t.Cleanup(func() { openModel = real })
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "text,n\n"+canary+" sings,1\nit goes round "+canary+",2\nand "+canary+"s name,3\n"+canary+",x"+canary+"\n\"x"+canary+"\"y,1\n"+
		strings.Repeat("we sing of "+canary+" and of nobody else, ", 6)+",4\n")
	shown, kept := 0, 0
	for _, call := range canaryCalls {
		call = strings.ReplaceAll(call, "CANARY", canary)
		if call == canary+"(text)('x')" {
			continue // a name, which is no content
		}
		args := []string{in, "--type", "n=INT", "--add", "a=" + call, "--where", "text <> '" + canary + " alone'", "--no-ledger"}
		page, out := in+".html", in+".jsonl"
		run := append([]string{"run", "--errors", "why", "--report", page, "-o", out, "--overwrite"}, args...)
		_, _, errs := do(run...)
		told := map[string]string{"run": errs, "report": readIfThere(page)}
		data := readIfThere(out)
		status, plan, errs := do(append([]string{"explain", "--calibrate", "1ms"}, args...)...)
		told["explain"], told["explain's errors"] = plan, errs
		_, _, told["run --bad-rows fail"] = do(append(run, "--bad-rows", "fail")...)
		for where, text := range told {
			if strings.Contains(text, canary) {
				t.Errorf("%s (exit code %d): %s tells content:\n%s", call, status, where, around(text, canary))
			}
		}
		if strings.Contains(data, `"why":"`) && strings.Contains(data[strings.Index(data, `"why":"`):], canary) {
			kept++
		}
		if _, _, errs := do(append(run, "--log-content")...); strings.Contains(errs, canary) && strings.Contains(readIfThere(page)+errs, canary) {
			shown++
		}
		os.Remove(page)
		os.Remove(out)
	}
	if kept < 5 || shown < 20 {
		t.Errorf("of %d calls, %d have content in --errors, and %d show it with --log-content", len(canaryCalls), kept, shown)
	}
}

func readIfThere(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// around returns the text around a word.
func around(text, word string) string {
	at := strings.Index(text, word)
	if at < 0 {
		return text
	}
	return text[max(0, at-200):min(len(text), at+100)]
}

// The error of an unreadable row names its place, not its content.
func TestContentOfBadRowsIsNotTold(t *testing.T) {
	for name, content := range map[string]string{
		"a.csv":   "a,b\n1,2\n1,2,3" + canary + "\n\"" + canary + "\"x,2\n\"" + canary + ",\n",
		"b.csv":   "a\n" + strings.Repeat("1\n", 3) + canary + "\n",
		"a.jsonl": "{\"a\": 1}\n{\"a\": \"" + canary + "\", \n[\"" + canary + "\"]\n{\"a\": {\"b\": \"" + canary + "\"}}\n{\"a\": 12345" + canary + "}\n",
		"a.json":  "[{\"a\": 1}, {\"a\": " + canary + "}, \"" + canary + "\"]",
	} {
		for _, bad := range []string{"keep", "fail"} {
			in := file(t, name, content)
			page := in + ".html"
			status, _, errs := do("run", in, "--type", "a=INT", "--bad-rows", bad, "--where", "true", "--report", page, "-o", in+".parquet")
			if all := errs + readIfThere(page); strings.Contains(all, canary) {
				t.Errorf("%s, %s: exit code %d: %s", name, bad, status, around(all, canary))
			}
			if status == exitOK {
				t.Errorf("%s, %s: no row is bad", name, bad)
			}
			if status, _, errs := do("run", in, "--type", "a=INT", "--bad-rows", bad, "--where", "true", "--log-content", "-o", in+"2.parquet"); !strings.Contains(errs, canary) && name != "a.csv" {
				t.Errorf("%s, %s: exit code %d, with --log-content: %s", name, bad, status, errs)
			}
		}
	}
}

// eval shows rows, their labels and answers only where --errors asks for them.
func TestContentOfEvalIsNotTold(t *testing.T) {
	real := openModel
	openModel = func(context.Context, models.Reference, models.Options) (llm.Model, error) {
		return canaryModel{evalModel{name: "canary"}}, nil
	}
	t.Cleanup(func() { openModel = real })
	for _, c := range []struct{ data, args string }{
		{"text,label\n" + canary + " is good,positive\nround " + canary + ",negative\n", "-f ai_analyze_sentiment"},
		{"text,label\n" + canary + " is good,a\nround " + canary + ",b\n", `-f ai_gen --metrics labels`},
		{"text,label\n" + canary + " is good,a\nx,b\n", `-f ai_classify --args {"labels":["a","b"],"options":{"instructions":"` + canary + `"}}`},
		{"text,label\n" + canary + " is good," + canary + "\n", "-f ai_summarize"},
		{"text,label\nwho is " + canary + "?,\"{\"\"a\"\": \"\"" + canary + "\"\"}\"\n", `-f ai_extract --args {"labels":["a"]}`},
		{"text,label\nwho is " + canary + "?,\"{\"\"a\"\": {\"\"b\"\": \"\"" + canary + "\"\"}}\"\n", `-f ai_extract --args {"labels":["a"]}`},
		{"text,label\nwho is " + canary + "?," + canary + "\n", `-f ai_extract --args {"labels":["a"]}`},
		{"text,label\na," + canary + "\n", "-f ai_analyze_sentiment"},
		{"text,label\n" + canary + " is good,a\n", `-f ai_translate --args {"to_lang":"` + canary + `"}`},
		{"text,label\n" + canary + " is good,a\n", `-f ai_translate --args {"to_lang":"de` + canary},
	} {
		in := file(t, "in.csv", c.data)
		page := in + ".html"
		args := append([]string{"eval", in, "-i", "text", "-l", "label", "--report", page, "--overwrite"}, strings.Fields(c.args)...)
		status, out, errs := do(args...)
		if all := out + errs + readIfThere(page); strings.Contains(all, canary) {
			t.Errorf("%s: exit code %d: %s", c.args, status, around(all, canary))
		}
		if status != exitOK {
			continue
		}
		if status, out, errs := do(append(args, "--errors", "5")...); status != exitOK || !strings.Contains(out, canary) || !strings.Contains(readIfThere(page), canary) {
			t.Errorf("%s: exit code %d with --errors 5: %s%s", c.args, status, out, errs)
		}
	}
}

// The error of a server shows its status, not its message.
func TestContentOfServersIsNotTold(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	answer := func(content string) string {
		b, _ := json.Marshal(content)
		return `{"choices": [{"message": {"content": ` + string(b) + `}, "finish_reason": "stop"}]}`
	}
	for _, c := range []struct {
		status int
		body   string
		call   string
	}{
		{400, `{"error": {"message": "you asked: ` + canary + `", "code": "` + canary + `"}}`, "ai_gen(text)"},
		{401, `{"error": "` + canary + `"}`, "ai_gen(text)"},
		{403, canary, "ai_gen(text)"},
		{404, `{"detail": [{"input": "` + canary + `"}]}`, "ai_gen(text)"},
		{422, `{"message": "` + canary + `"}`, "ai_gen(text)"},
		{200, canary, "ai_gen(text)"},
		{200, `{"choices": "` + canary + `"}`, "ai_gen(text)"},
		{200, `{"choices": [{"message": {"refusal": "I say nothing of ` + canary + `"}}]}`, "ai_gen(text)"},
		{200, answer(canary), "ai_query('default', text, 'STRUCT<a: INT>')"},
		{200, answer(`{"a": "` + canary + `"}`), "ai_query('default', text, 'STRUCT<a: INT>')"},
		{200, answer(`{"a": "` + canary + `"}`), "ai_extract(text, array('a'))"},
		{200, answer(canary), "ai_classify(text, array('a', 'b'))"},
		{200, `{"data": "` + canary + `"}`, "ai_embed(text)"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		in := file(t, "in.csv", "text\nwho sings?\n")
		page := in + ".html"
		args := []string{"run", in, "--add", "a=" + c.call, "-m", "openai:m@" + server.URL + "/v1", "-m", "embed=openai:m@" + server.URL + "/v1", "--report", page, "-o", in + ".jsonl", "--overwrite", "--no-ledger"}
		status, _, errs := do(args...)
		if all := errs + readIfThere(page); strings.Contains(all, canary) || status == exitOK {
			t.Errorf("%d %s: exit code %d: %s", c.status, c.body, status, around(all, canary))
		}
		if _, _, errs := do(append(args, "--log-content")...); !strings.Contains(errs, canary) {
			t.Errorf("%d %s: with --log-content: %s", c.status, c.body, errs)
		}
		server.Close()
	}
}
