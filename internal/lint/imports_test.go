// Package lint holds rules about the source itself, as tests.
package lint

import (
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/firesteel/firesteel"

// base lists packages that have no knowledge of Spark, models or functions.
// Every package may import them; they import only each other.
var base = []string{
	"internal/fsys/...", "internal/network/...", "internal/downsample", "internal/lru", "internal/memlimit", "internal/panics",
	"internal/procfs", "internal/secret", "internal/sensitive", "internal/suggest", "internal/terminal", "internal/version",
}

// layers lists what each package may import from this module in addition to
// base, and the reason. The entry with the longest matching path applies; an
// entry "x/..." covers x and everything below it.
var layers = map[string]struct {
	may []string
	why string
}{
	// What programs import.
	"llm":                {nil, "the contract between functions and models has no dependencies"},
	"llm/catalogue":      {[]string{"llm"}, "functions read what is known about models, so the catalogue finds and opens none"},
	"ai":                 {[]string{"llm", "llm/catalogue", "ai/internal/chunk", "ai/internal/entity", "ai/internal/langid", "ai/internal/pii", "internal/match", "internal/registry"}, "functions use the contract of models: no engine, no table format"},
	"ai/internal/entity": {[]string{"llm"}, "it reads what a tagger returned and asks no model"},
	"ai/internal/pii":    {nil, "patterns need no model"},
	"ai/internal/chunk":  {nil, "a chunk is a part of a text; the caller counts its tokens"},
	"ai/internal/langid": {nil, "the language of a text is found by its n-grams, without a model of llm"},
	"udf":                {[]string{"ai", "llm", "internal/columns", "internal/registry", "internal/sqltypes"}, "client and worker both use the declarations of a program's functions, so udf imports neither"},
	"llm/models":         {[]string{"llm", "llm/catalogue", "internal/endpoint", "internal/engine", "internal/head", "internal/weights/..."}, "one package maps texts to models and opens them: no function, no table, no Spark"},
	"worker":             {[]string{"ai", "udf", "llm", "llm/catalogue", "llm/models", "internal/arrowipc", "internal/bundle", "internal/columns", "internal/job", "internal/job/asking", "internal/ledger", "internal/registry", "internal/usage"}, "the worker implements the protocol of executors and calls functions; it does not use the client"},
	"spark":              {[]string{"ai", "udf", "llm", "spark/internal/pb", "llm/models", "internal/arrowipc", "internal/bundle", "internal/columns", "internal/match", "internal/sqlcalls", "internal/sqlscript", "internal/sqltypes"}, "the client ships a worker and resolves its models; the program is its own worker, so it links the engine through llm/models, but never runs a model"},
	"spark/functions":    {[]string{"spark"}, "a function is a call by name"},
	"spark/internal/pb":  {nil, "generated messages stand alone"},

	// Commands, jobs and files.
	"cmd/...":                          {[]string{"internal/cli"}, "main is one line, so that all of it can be tested in cli"},
	"internal/cli":                     {[]string{"ai", "llm", "llm/catalogue", "llm/models", "spark", "worker", "internal/engine", "internal/estimate", "internal/eval/...", "internal/files", "internal/fit", "internal/head", "internal/job/...", "internal/join", "internal/ledger", "internal/lineage", "internal/localspark", "internal/match", "internal/mlflow", "internal/report", "internal/sqlcalls", "internal/sqlexpr", "internal/sqlscript", "internal/sqltypes", "internal/telemetry/...", "internal/weights/gguf/gguftest", "internal/weights/safetensors/safetensorstest"}, "cli connects the parts; only cmd and release import it; its tests pin the answers of the engine with small models"},
	"internal/estimate":                {[]string{"ai", "llm", "llm/models", "internal/files", "internal/job", "internal/sqlexpr"}, "an estimate is made of a job's plan and a sample of its rows"},
	"internal/eval":                    {[]string{"ai", "llm", "internal/eval/metric", "internal/files", "internal/report"}, "an evaluation asks a function about rows of files; the caller opens the models"},
	"internal/eval/metric":             {nil, "metrics are arithmetic over answers: no model, no table"},
	"internal/eval/onspark":            {[]string{"ai", "llm", "spark", "internal/eval", "internal/job/onspark", "internal/sqltypes"}, "an evaluation links no client of Spark; this package connects the two"},
	"internal/fit":                     {[]string{"llm", "internal/eval/metric", "internal/fit/linear", "internal/head", "internal/report"}, "what is learned depends on vectors and labels; the caller reads the table and asks the embedder"},
	"internal/fit/linear":              {[]string{"internal/engine/kernel"}, "an optimizer knows numbers only"},
	"internal/job":                     {[]string{"ai", "llm", "llm/models", "internal/sqlexpr", "internal/sqltypes"}, "a plan describes a job; executors run it"},
	"internal/job/asking":              {[]string{"ai", "llm", "internal/job", "internal/ledger", "internal/usage"}, "rows are asked in the same way for files and for tasks of Spark: no table, no Spark"},
	"internal/job/inprocess":           {[]string{"ai", "llm", "llm/models", "internal/files", "internal/job", "internal/job/asking", "internal/ledger", "internal/sqlexpr"}, "an executor takes rows, models and a ledger from its caller"},
	"internal/job/onspark":             {[]string{"ai", "llm", "spark", "internal/job", "internal/sqlexpr", "internal/sqltypes"}, "a job on Spark consists of queries; the session has the models"},
	"internal/join":                    {[]string{"internal/match"}, "a join asks what its caller gives it: no model, no table, no job"},
	"internal/match":                   {nil, "candidates are found by letters and vectors: no model, no table"},
	"internal/ledger":                  {nil, "a ledger maps keys to bytes of any meaning"},
	"internal/usage":                   {nil, "usage is counts in files: no model, no Spark"},
	"internal/sqlexpr":                 {[]string{"ai", "llm", "internal/columns"}, "expressions use functions and columns: no file, no engine, no Spark"},
	"internal/columns":                 {[]string{"ai", "internal/sqltypes"}, "it converts between Arrow columns and arguments of functions, for the worker and for jobs"},
	"internal/files":                   {[]string{"internal/arrowipc", "internal/files/parquet"}, "files are tables of bytes: no function, no model"},
	"internal/files/parquet":           {[]string{"internal/arrowipc"}, "a file format stands alone"},
	"internal/lineage":                 {[]string{"ai", "llm", "internal/columns", "internal/job", "internal/sqlexpr"}, "it describes a plan: no table, no flag"},
	"internal/mlflow":                  {nil, "a client of a tracking server knows parameters, numbers and files only"},
	"internal/telemetry":               {[]string{"llm"}, "it records requests to models: no function, no table, no flag"},
	"internal/telemetry/telemetrytest": {nil, "a collector for tests"},
	"internal/report":                  {nil, "a page shows figures of any meaning"},

	// Between client and worker.
	"internal/arrowipc":   {nil, "client and worker both read Arrow through it, so it imports neither"},
	"internal/bundle":     {nil, "client and worker share it, so it imports neither"},
	"internal/localspark": {nil, "starting a server needs no client"},
	"internal/sqlscript":  {nil, "splitting a script needs no session"},
	"internal/sqlcalls":   {[]string{"ai", "internal/sqlscript"}, "it reads tokens of SQL and knows the functions: no session"},
	"internal/registry":   {nil, "one name belongs to one function of any kind, so the registry depends on no kind"},
	"internal/sqltypes":   {nil, "Go types and their SQL types need no session"},

	// Models.
	"internal/endpoint":                {[]string{"llm", "internal/answercache"}, "a remote server needs no engine, no weights and no tokenizer"},
	"internal/answercache":             {[]string{"llm"}, "answers are kept for every kind of model"},
	"internal/engine":                  {[]string{"llm", "internal/answercache", "internal/engine/...", "internal/grammar", "internal/jinja", "internal/tokenizer", "internal/weights/gguf/...", "internal/weights/safetensors/..."}, "the engine schedules models: no function, no table"},
	"internal/engine/model":            {[]string{"llm", "internal/engine/kernel", "internal/engine/offheap", "internal/engine/nn", "internal/weights/gguf/...", "internal/weights/onnx", "internal/weights/safetensors/..."}, "a model is layers over kernels"},
	"internal/engine/offheap":          {nil, "allocations have no meaning"},
	"internal/engine/nn":               {[]string{"internal/engine/kernel"}, "layers are made of kernels"},
	"internal/engine/kernel/...":       {nil, "kernels are arithmetic on slices"},
	"internal/grammar":                 {[]string{"llm"}, "a constraint needs the bytes of a vocabulary: no tokenizer, no engine"},
	"internal/jinja":                   {nil, "a template language needs no model"},
	"internal/tokenizer":               {[]string{"internal/weights/gguf/..."}, "a tokenizer needs its vocabulary, which GGUF files hold"},
	"internal/weights":                 {[]string{"internal/weights/..."}, "finding and reading weights needs no engine"},
	"internal/weights/gguf/...":        {[]string{"internal/weights/gguf/...", "internal/weights/floats", "internal/weights/malformed", "internal/weights/mmap"}, "a file format stands alone"},
	"internal/weights/onnx":            {[]string{"internal/weights/floats", "internal/weights/malformed", "internal/weights/mmap"}, "a file format stands alone"},
	"internal/weights/safetensors/...": {[]string{"internal/weights/safetensors/...", "internal/weights/floats", "internal/weights/malformed", "internal/weights/mmap"}, "a file format stands alone"},
	"internal/weights/floats":          {nil, "number formats are arithmetic"},
	"internal/weights/malformed":       {nil, "errors of all weight formats"},
	"internal/weights/mmap":            {nil, "mapped bytes have no meaning"},

	"internal/head": {[]string{"llm", "internal/weights/malformed", "internal/weights/safetensors"}, "a head is a file that is applied to vectors: no engine, no function"},

	// Helpers, tests, benchmarks, examples.
	"internal/release":     {[]string{"internal/cli"}, "a release has man pages and completion scripts of the command"},
	"internal/lint":        {nil, "rules about the source need no other package"},
	"internal/ci":          {[]string{"internal/localspark", "internal/testkit"}, "it runs tests, and starts the servers that they share"},
	"internal/testkit/...": {[]string{"llm", "internal/localspark", "internal/testkit/...", "internal/weights"}, "the test kit starts servers and finds models; it does not use the client, so that the client's own tests can use it"},
	"internal/integration": {[]string{"ai", "llm", "llm/catalogue", "llm/models", "spark", "udf", "worker", "internal/..."}, "integration tests may use every package"},
	"bench/...":            {[]string{"ai", "llm", "llm/models", "spark", "worker", "internal/..."}, "a benchmark drives the parts as a user would"},
	"examples/...":         {[]string{"ai", "llm", "spark", "udf", "worker"}, "an example uses what is public"},
}

// libraries lists the packages that may import a third-party module.
var libraries = map[string]struct {
	users []string
	why   string
}{
	"github.com/apache/arrow-go":    {[]string{"spark", "worker", "udf", "internal/arrowipc", "internal/cli", "internal/columns", "internal/estimate", "internal/eval", "internal/files/...", "internal/integration", "internal/job/...", "internal/lineage", "internal/sqlexpr", "bench/...", "examples/..."}, "nothing below ai uses Arrow; only internal/arrowipc checks streams of a peer"},
	"github.com/cespare/xxhash":     {[]string{"internal/job"}, "a sample hashes rows as Spark's xxhash64 does"},
	"github.com/pierrec/lz4":        {[]string{"internal/files/parquet"}, "one codec of Parquet needs it; Arrow's library has it too"},
	"google.golang.org/":            {[]string{"spark", "spark/internal/pb", "internal/telemetry/telemetrytest", "internal/weights/onnx"}, "only the client speaks gRPC; ONNX files and OTLP are protobuf messages"},
	"go.opentelemetry.io/":          {[]string{"internal/telemetry/...", "internal/cli"}, "one package sends metrics and traces; cli has attributes of spans"},
	"github.com/mattn/go-runewidth": {[]string{"internal/terminal"}, "one place measures text in a terminal's columns"},
	"github.com/spf13/":             {[]string{"internal/cli", "internal/release"}, "only cli has flags; release writes man pages from them, so that the program does not link their writer"},
}

func TestImportsPointOneWay(t *testing.T) {
	for _, f := range goFiles(t) {
		checkImports(t, f)
	}
}

func checkImports(t *testing.T, f goFile) {
	key := ""
	for k := range layers {
		if matches(k, f.pkg) && len(k) > len(key) {
			key = k
		}
	}
	if key == "" && !matchesAny(base, f.pkg) {
		t.Errorf("%s: package %q has no entry in layers: say what it may import, and why", f.path, f.pkg)
		return
	}
	for _, spec := range f.parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if inner, ok := strings.CutPrefix(imported, module+"/"); ok {
			allowed := inner == f.pkg || matchesAny(base, inner) || matchesAny(layers[key].may, inner)
			// A test may use the test kit, too.
			if f.test() && matches("internal/testkit/...", inner) {
				allowed = true
			}
			if !allowed {
				t.Errorf("%s imports %s, but %s may import only base and %v: %s", f.path, inner, f.pkg, layers[key].may, layers[key].why)
			}
			continue
		}
		for prefix, lib := range libraries {
			if strings.HasPrefix(imported, prefix) && !matchesAny(lib.users, f.pkg) {
				t.Errorf("%s imports %s, which is for %v only: %s", f.path, imported, lib.users, lib.why)
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

// matches reports whether pkg is pattern, or below it if it ends in "/...".
func matches(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == below || strings.HasPrefix(pkg, below+"/")
	}
	return pkg == pattern
}
