package spark

import (
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/suggest"
)

// hint says what Spark cannot know of its error; mostly it is empty.
func (e *Error) hint() string {
	switch {
	case e.Class == "UNRESOLVED_ROUTINE":
		return unknownFunction(e.Message)
	case e.Class == "UNSUPPORTED_FEATURE.LAMBDA_FUNCTION_WITH_PYTHON_UDF":
		return "To Spark an AI function is a Python function, which cannot stand in a lambda: explode the array into rows, ask for each, and collect them again."
	case strings.Contains(e.Detail, bundle.Misled), pythonStarted.MatchString(e.Detail):
		return "If the function is one of firesteel's, Spark started Python for it. The session's setting spark.sql.execution.pyspark.python is not " +
			"what it was (RESET clears it), or Spark did not look at it. To set it again: SET spark.sql.execution.pyspark.python=" + bundle.Executable
	case strings.HasPrefix(e.Message, "Missing data chunks for artifact"):
		return "The server could not keep what it was sent. Is there room on its disk, in java.io.tmpdir and spark.local.dir? Its log says more."
	}
	return ""
}

// pythonStarted is what a Spark without Python says of functions for which it
// started one.
var pythonStarted = regexp.MustCompile(`No module named '?pyspark|Cannot run program "[^"]*python|pyspark\.daemon`)

// unresolvedName finds the function in Spark's message; 3.5 sends it nowhere
// else.
var unresolvedName = regexp.MustCompile("^Cannot resolve (?:function|routine) (?:`[^`]*`\\.)*`([^`]*)`")

// unknownFunction says what Spark cannot know of a function that it does not
// find: that its name is nearly an AI function's, or that this session has
// none. It is empty for functions of others.
func unknownFunction(message string) string {
	m := unresolvedName.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	name := strings.ToLower(m[1])
	if _, err := ai.Lookup(name); err == nil {
		return "The AI functions are known where a session was opened with a model, as by spark.WithModel or 'firesteel sql'."
	}
	if !strings.HasPrefix(name, "ai_") && !strings.HasPrefix(name, "try_ai_") {
		return ""
	}
	var names []string
	for _, f := range ai.All() {
		names = append(names, f.Name)
	}
	if near, ok := suggest.Nearest(name, names); ok {
		return "Did you mean " + near + "? 'firesteel functions' lists the AI functions."
	}
	return "'firesteel functions' lists the AI functions."
}
