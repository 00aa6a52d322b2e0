package spark

import (
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/suggest"
)

// hint returns advice on an error that Spark itself cannot give, or "".
func (e *Error) hint() string {
	switch {
	case e.Class == "UNRESOLVED_ROUTINE":
		return unknownFunctionHint(e.Message)
	case e.Class == "UNSUPPORTED_FEATURE.LAMBDA_FUNCTION_WITH_PYTHON_UDF":
		return "For Spark an AI function is a Python function, which is not allowed in a lambda: explode the array into rows, call the function on each row, and collect the results."
	case strings.Contains(e.Detail, bundle.PythonMessage), pythonStarted.MatchString(e.Detail):
		return "If this is a function of firesteel, Spark started Python for it. The session's setting spark.sql.execution.pyspark.python has changed " +
			"(RESET clears it), or Spark did not use it. To set it again: SET spark.sql.execution.pyspark.python=" + bundle.Executable
	case strings.HasPrefix(e.Message, "Missing data chunks for artifact"):
		return "The server could not store the uploaded data. Check the free space of its java.io.tmpdir and spark.local.dir, and its log."
	}
	return ""
}

// pythonStarted matches the errors of a Spark without pyspark that started
// Python for a function.
var pythonStarted = regexp.MustCompile(`No module named '?pyspark|Cannot run program "[^"]*python|pyspark\.daemon`)

// unresolvedName matches Spark's message about an unknown function. Spark 3.5
// sends the function's name only in the message.
var unresolvedName = regexp.MustCompile("^Cannot resolve (?:function|routine) (?:`[^`]*`\\.)*`([^`]*)`")

// unknownFunctionHint returns advice on a function that Spark does not find: the
// AI function with a similar name, or that the session has no AI functions. It
// returns "" if the name does not resemble an AI function's.
func unknownFunctionHint(message string) string {
	m := unresolvedName.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	name := strings.ToLower(m[1])
	if _, err := ai.Lookup(name); err == nil {
		return "A session has the AI functions if it was opened with a model: with spark.WithModel, or by 'firesteel sql'."
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
