package sqltypes

import "strings"

// QuoteName writes the name of a column or field in backquotes, as Spark SQL reads
// it for any characters.
func QuoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
