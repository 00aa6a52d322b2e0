// Package lint holds rules about the source itself, as tests.
package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/firesteel/firesteel"

// layers says what the packages of this module may import of it, and why not
// more. A package is held to the entry of its longest matching path; an entry
// "x/..." covers x and everything below.
var layers = map[string]struct {
	may []string
	why string
}{
	"cmd/...":                     {[]string{"cli"}, "main is one line: everything it can do is testable in cli"},
	"cli":                         {[]string{"spark/...", "sparkjob", "worker/...", "files", "ledger", "job", "estimate", "sqlexpr", "ai", "eval", "llm/...", "internal/..."}, "cli puts the parts together; nothing imports it but cmd"},
	"spark":                       {[]string{"spark/pb", "ai", "udf", "worker/bundle", "llm", "llm/endpoint", "llm/weights/...", "internal/..."}, "the client ships a worker but never runs a model, so it must not link the engine"},
	"spark/pb":                    {nil, "generated messages stand alone"},
	"spark/localspark":            {[]string{"internal/..."}, "starting a server needs no client"},
	"worker":                      {[]string{"worker/bundle", "ai", "udf", "llm", "llm/endpoint", "llm/local", "internal/..."}, "the executor's side knows the protocol and the functions, not the client"},
	"worker/bundle":               {nil, "client and worker share it, so it must know neither"},
	"ledger":                      {[]string{"internal/..."}, "a ledger keeps bytes under keys, whatever they mean"},
	"udf":                         {[]string{"ai", "llm", "internal/..."}, "a program's functions are declared for client and worker alike, so they know neither"},
	"ai":                          {[]string{"llm", "ai/pii", "internal/hidden"}, "functions know the model's contract only: no engine, no table format"},
	"estimate":                    {[]string{"files", "job", "sqlexpr", "ai", "llm"}, "what a job would take is told by its plan and a sample of its rows"},
	"sparkjob":                    {[]string{"spark", "job", "sqlexpr", "ai", "llm", "internal/hidden"}, "a job on Spark is made of queries: it links no engine"},
	"job":                         {[]string{"files", "sqlexpr", "ledger", "ai", "llm", "internal/columns", "internal/recent", "internal/thin", "internal/panics", "internal/hidden"}, "a job puts rows through functions: which model answers, and who is told, is the caller's"},
	"sqlexpr":                     {[]string{"ai", "llm", "internal/columns", "internal/similar", "internal/hidden"}, "expressions know functions and columns: no file, no engine, no Spark"},
	"ai/pii":                      {nil, "patterns need no model, and are used by whom they please"},
	"eval":                        {[]string{"internal/hidden"}, "figures are arithmetic over answers: they know no model and no table"},
	"files":                       {[]string{"files/parquet", "internal/arrowipc", "internal/outfile", "internal/similar", "internal/version", "internal/hidden", "internal/panics"}, "files are tables of bytes: they know no function and no model"},
	"files/parquet":               {[]string{"internal/arrowipc"}, "a file format stands alone"},
	"llm":                         {nil, "the contract has no dependencies"},
	"llm/weights":                 {[]string{"llm/weights/...", "internal/..."}, "finding and reading weights needs no engine"},
	"llm/weights/gguf/...":        {[]string{"llm/weights/gguf/...", "llm/weights/flaw", "llm/weights/mapped", "llm/weights/numbers", "internal/regular"}, "a file format stands alone"},
	"llm/weights/safetensors/...": {[]string{"llm/weights/safetensors/...", "llm/weights/flaw", "llm/weights/mapped", "llm/weights/numbers", "internal/regular"}, "a file format stands alone"},
	"llm/weights/flaw":            {nil, "what is wrong with a file, of whatever format"},
	"llm/weights/mapped":          {nil, "bytes of a file, whatever they mean"},
	"llm/weights/numbers":         {nil, "numbers, whatever they weigh"},
	"llm/memo":                    {[]string{"llm", "internal/recent"}, "answers are kept whatever model gave them"},
	"llm/endpoint":                {[]string{"llm", "llm/memo", "internal/..."}, "a server far away needs no engine, no weights and no tokenizer"},
	"llm/token":                   {[]string{"llm/weights/gguf/..."}, "a tokenizer needs only its vocabulary, which GGUF files hold"},
	"llm/jinja":                   {nil, "a template language knows no model"},
	"llm/grammar":                 {[]string{"llm", "internal/hidden"}, "a constraint needs a vocabulary's bytes only: no tokenizer, no engine"},
	"llm/local":                   {[]string{"llm", "llm/jinja", "llm/token", "llm/grammar", "llm/weights/gguf/...", "llm/weights/safetensors/...", "llm/local/...", "llm/memo", "internal/panics", "internal/regular", "internal/hidden"}, "the engine schedules models; it knows no function and no table"},
	"llm/local/model":             {[]string{"llm", "llm/weights/gguf/...", "llm/weights/safetensors/...", "llm/local/nn", "llm/local/kernel", "llm/local/memory", "internal/panics", "internal/regular", "internal/memlimit"}, "a model is layers over kernels"},
	"llm/local/memory":            {[]string{"internal/memlimit"}, "memory is bytes"},
	"llm/local/nn":                {[]string{"llm/local/kernel", "internal/panics"}, "layers are made of kernels"},
	"llm/local/kernel/...":        {nil, "kernels are arithmetic on slices"},
	"internal/screen":             {nil, "text is shown whatever it tells"},
	"internal/arrowipc":           {nil, "client and worker read Arrow through it, so it must know neither"},
	"internal/columns":            {[]string{"ai"}, "it stands between tables and functions, whoever brings the tables: worker or a job of one process"},
	"internal/lint":               {nil, "rules about the source need none of it"},
	"internal/testkit":            {[]string{"internal/...", "spark/localspark", "llm", "llm/weights"}, "the test kit starts servers, finds models and is one; it knows no client, so that the client's own tests can use it"},
	"internal/integration":        {[]string{"cli", "job", "sparkjob", "spark/...", "worker/...", "ai", "udf", "llm/...", "internal/..."}, "tests of the whole may use the whole"},
	"internal/...":                {[]string{"internal/..."}, "helpers know nothing of what they help"},
	"bench/...":                   {[]string{"spark/...", "worker/...", "ai", "llm/...", "internal/..."}, "a bench drives the parts as a user would"},
	"examples/...":                {[]string{"spark", "worker", "ai", "udf", "llm"}, "an example uses what is public"},
}

// libraries says which packages may import a third-party module.
var libraries = map[string]struct {
	users []string
	why   string
}{
	"github.com/apache/arrow-go":    {[]string{"cli", "job", "estimate", "sparkjob", "spark", "worker", "udf", "files/...", "sqlexpr", "internal/arrowipc", "internal/columns", "internal/integration", "bench/...", "examples/..."}, "below ai nothing knows Arrow; internal/arrowipc is the one place where client and worker check streams that they did not write"},
	"github.com/pierrec/lz4":        {[]string{"files/parquet"}, "one codec of Parquet needs it; Arrow's library has it too"},
	"google.golang.org/":            {[]string{"spark", "spark/pb"}, "only the client speaks gRPC"},
	"github.com/mattn/go-runewidth": {[]string{"internal/screen"}, "one place measures text in a terminal's columns"},
	"github.com/spf13/":             {[]string{"cli"}, "only cli has flags"},
}

func TestImportsPointOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		rel, _ := filepath.Rel(root, p)
		files++
		checkFile(t, p, path.Dir(filepath.ToSlash(rel)), strings.HasSuffix(p, "_test.go"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("only %d Go files found: the walk is broken", files)
	}
}

func checkFile(t *testing.T, file, pkg string, test bool) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	key := ""
	for k := range layers {
		if matches(k, pkg) && len(k) > len(key) {
			key = k
		}
	}
	if key == "" {
		t.Errorf("%s: package %q has no entry in layers: say what it may import, and why", file, pkg)
		return
	}
	for _, spec := range parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if inner, ok := strings.CutPrefix(imported, module+"/"); ok {
			allowed := inner == pkg || matchesAny(layers[key].may, inner)
			// A test may also use the test kit.
			if test && inner == "internal/testkit" {
				allowed = true
			}
			if !allowed {
				t.Errorf("%s imports %s, but %s may import only %v: %s", file, inner, key, layers[key].may, layers[key].why)
			}
			continue
		}
		for prefix, lib := range libraries {
			if strings.HasPrefix(imported, prefix) && !matchesAny(lib.users, pkg) {
				t.Errorf("%s imports %s, which is for %v only: %s", file, imported, lib.users, lib.why)
			}
		}
	}
}

func matchesAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if matches(p, pkg) {
			return true
		}
	}
	return false
}

// matches tells whether pkg is pattern, or below it if it ends in "/...".
func matches(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == below || strings.HasPrefix(pkg, below+"/")
	}
	return pkg == pattern
}
