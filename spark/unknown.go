package spark

import (
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/similar"
)

// unresolvedName finds the function in Spark's message; 3.5 sends it nowhere
// else.
var unresolvedName = regexp.MustCompile("^Cannot resolve (?:function|routine) (?:`[^`]*`\\.)*`([^`]*)`")

// unknownFunction says what Spark cannot know of a function that it does not
// find: that its name is nearly an AI function's, or that this session has
// none. It is empty for functions of others.
func unknownFunction(e *Error) string {
	m := unresolvedName.FindStringSubmatch(e.Message)
	if e.Class != "UNRESOLVED_ROUTINE" || m == nil {
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
	if near, ok := similar.Nearest(name, names); ok {
		return "Did you mean " + near + "? 'firesteel functions' lists the AI functions."
	}
	return "'firesteel functions' lists the AI functions."
}
