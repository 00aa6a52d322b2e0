package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/spark"
)

// orc is a format that Spark reads and writes, and this program does not.
const orc files.Format = "orc"

// sparkFormats are Spark's names of file formats.
var sparkFormats = map[files.Format]string{files.CSV: "csv", files.TSV: "csv", files.JSON: "json", files.Parquet: "parquet", files.Text: "text", orc: "orc", files.Avro: "avro"}

// sparkFormat returns the format of a path: the given one, or else the one that its
// name shows. It is empty for the name of a table.
func sparkFormat(name, given string, output bool) (format files.Format, err error) {
	defer func() {
		if err == nil && format == files.Arrow {
			err = usagef("Spark reads and writes no Arrow files; use Parquet")
		}
	}()
	ending := strings.ToLower(strings.TrimRight(name, "/"))
	if !output && strings.HasSuffix(ending, ".xz") {
		return "", usagef("Spark reads no xz files: decompress %s, or compress it by bzip2 or gzip", name)
	}
	for _, f := range []files.Format{orc, files.Avro} {
		if strings.EqualFold(given, string(f)) || given == "" && strings.HasSuffix(ending, "."+string(f)) {
			return f, nil
		}
	}
	if given != "" {
		return files.ParseFormat(given)
	}
	if output {
		format, err = files.FormatOf(name)
	} else {
		format, err = files.InputFormat(name)
	}
	var unknown *files.UnknownFormatError
	if errors.As(err, &unknown) {
		if !strings.Contains(name, "/") {
			return "", nil
		}
		unknown.Output = output
	}
	return format, err
}

// remoteInput is the input as a DataFrame.
func (o *jobOptions) remoteInput(s *spark.Session) (*spark.DataFrame, error) {
	format, err := sparkFormat(o.input, o.text.format, false)
	if err != nil || format == "" {
		return s.Table(o.input), err
	}
	return o.remoteReader(s, format, o.text).Load(o.input), nil
}

// remoteReader reads files of a format as the options say.
func (o *jobOptions) remoteReader(s *spark.Session, format files.Format, text textFlags) spark.DataFrameReader {
	r := s.Read().Format(sparkFormats[format])
	if text.encoding != "" {
		r = r.Option("encoding", text.encoding)
	}
	if format != files.CSV && format != files.TSV {
		return r
	}
	escape := text.escape
	if escape == "" {
		escape = `"`
	}
	r = r.Option("header", fmt.Sprint(!text.headless)).Option("inferSchema", fmt.Sprint(!o.allText)).
		Option("multiLine", "true").Option("escape", escape).Option("sep", text.sparkSeparator(format))
	switch text.quote {
	case "":
	case files.None:
		r = r.Option("quote", "")
	default:
		r = r.Option("quote", text.quote)
	}
	if text.comment != "" {
		r = r.Option("comment", text.comment)
	}
	if len(text.null) > 0 {
		r = r.Option("nullValue", text.null[0])
	}
	return r
}

func (f *textFlags) sparkSeparator(format files.Format) string {
	switch {
	case f.delimiter != "":
		return f.delimiter
	case format == files.TSV:
		return `\t`
	}
	return ","
}

// remoteOutput writes the output.
func (o *jobOptions) remoteOutput(ctx context.Context, df *spark.DataFrame) error {
	format, err := sparkFormat(o.output, o.outputFormat, true)
	if err != nil {
		return err
	}
	w := df.Write()
	if o.overwrite {
		w = w.Mode("overwrite")
	}
	if format == "" {
		return w.SaveAsTable(ctx, o.output)
	}
	if format == files.CSV || format == files.TSV {
		w = w.Option("header", "true").Option("escape", `"`).Option("sep", o.text.sparkSeparator(format))
	}
	return w.Format(sparkFormats[format]).Save(ctx, o.output)
}

// readRemote reads the first rows of the output into the report.
func (r *runReport) readRemote(ctx context.Context, s *spark.Session, o *runOptions) error {
	format, err := sparkFormat(o.output, o.outputFormat, true)
	if err != nil {
		return err
	}
	df := s.Table(o.output)
	if format != "" {
		df = o.remoteReader(s, format, textFlags{delimiter: o.text.delimiter}).Load(o.output)
	}
	for batch, err := range df.Limit(o.reportRows).Batches(ctx) {
		if err != nil {
			return err
		}
		r.note(batch)
	}
	return nil
}
