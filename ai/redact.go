package ai

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

const categoriesAbout = `the data to find, as the labels of ai_mask: ARRAY('person', 'email'), or JSON: '["person", "email"]' or '{"person": "the patient only"}'`

const findDetail = "Data are found as by ai_mask, by exact rules, the tagger and the text model; finds that overlap become one, with the category of the longest. "

const categoryErrors = "The query fails if the list is empty, if a category is blank or repeated, if there are more than 100, and if a text is not such JSON"

var redact = defineReader(&Function{
	Name: "ai_redact",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "categories", Type: Labels, About: categoriesAbout},
		{Name: "options", Type: Options, Optional: true, About: "MAP('replace', 'pseudonym'): a stable pseudonym instead of the category"},
	},
	Returns: String,
	Summary: "replaces private data in a text by their category, such as [PERSON], or by pseudonyms",
	Detail: "NULL content and NULL categories give NULL, and blank content is returned unchanged, without a model call. " + findDetail +
		"All other bytes stay the same. With the option replace => 'pseudonym', a value becomes [PERSON_mzxw6ytboi2dgnbt]: the category, and 80 bits of the HMAC-SHA256 of category and value with your key. " +
		"Equal values of a category have equal pseudonyms in all rows, runs and executors with the same key, so that joins and counts survive. Values are equal without regard to case, white space and " +
		"forms of Unicode; phones, cards, accounts, ids and postal codes also without punctuation. Category names count: person and name give different pseudonyms. The key is at least 32 bytes in the environment variable " +
		PseudonymVariable + ", or in the file that " + PseudonymFileVariable + " names, where the function runs (on Spark, on each executor); see security.md. Without a key the query fails. " +
		"If a request fails, the row is an error: a partly redacted text is never returned. " + categoryErrors + ". It also fails if an option is unknown.",
	Differs: "Databricks has ai_mask only, which replaces all data by [MASKED]. Snowflake's AI_REDACT has fixed categories, also in place, and a mode for finding, which is ai_detect_pii here. " +
		"Neither has pseudonyms; those of BigQuery (DLP, de-identification with a cryptographic hash) need a key in Cloud KMS.",
	Measured: "The finds are those of ai_mask, where they are measured.",
	Weakness: "Those of ai_mask. A pseudonym is that of the text that was found: Ann Lee and A. Lee have two, and so has a name of which the tagger once finds only a part, or with a word beside it. " +
		"Pseudonyms of data with a pattern, such as e-mails, are reliable.",
	Example:  "SELECT ai_redact('Write to anna@example.com or call 212-555-0143.', ARRAY('email', 'phone')) AS redacted",
	Sample:   Row{"Write to anna@example.com or call 212-555-0143.", []string{"email", "phone"}},
	Prompts:  []string{"mask", "mask_kind"},
	rewrites: true,
	asks:     privateAsks,
	keyed: func(fixed Row, varying []int) bool {
		options, err := readOptions("options", fixed[2], "replace")
		return slices.Contains(varying, 2) || err == nil && options["replace"] == "pseudonym"
	},
}, redactReader, redactAll)

var detectPII = defineReader(&Function{
	Name: "ai_detect_pii",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "categories", Type: Labels, About: categoriesAbout},
	},
	Returns: Array(Struct(Field{"category", String}, Field{"start", Int}, Field{"end", Int}, Field{"text", String}, Field{"score", Double})),
	Summary: "finds private data in a text, with their places",
	Detail: "NULL and blank content, and NULL categories, give NULL without a model call. A text without such data gives an empty list. " + findDetail +
		"The category is that of the list. start is the place of the first character in the content (Unicode code points), and end that after the last; both count from 1 as in substring, so text is substring(content, start, end - start). " +
		"The score lies between 0 and 1: of exact rules 0.95 and more if a check digit or strict grammar holds, of the tagger the mean probability of the words, of the text model the probability of the category. " +
		"Scores of different kinds are not comparable. If a request fails, the row is an error. " + categoryErrors + ".",
	Differs:  "Databricks has no such function. Snowflake's AI_REDACT does it with mode => 'detect'; a registered function has one result type, so here it has its own name.",
	Measured: "The finds are those of ai_mask, where they are measured.",
	Weakness: "Those of ai_mask.",
	Example:  "SELECT ai_detect_pii('Write to anna@example.com or call 212-555-0143.', ARRAY('email', 'phone')) AS found",
	Sample:   Row{"Write to anna@example.com or call 212-555-0143.", []string{"email", "phone"}},
	Prompts:  []string{"mask", "mask_kind"},
	Version:  1,
	asks:     privateAsks,
}, func() func(Row) (privateInput, bool, error) {
	read := privateReader("categories")
	return func(row Row) (privateInput, bool, error) {
		in, ok, err := read(row)
		return in, ok && !isBlank(in.content), err
	}
}, detectAll)

// Redact replaces the data of categories in each text by [CATEGORY].
func Redact[C Expression[C]](content C, categories ...string) C {
	return content.Call(redact.Name, notNull(categories))
}

// RedactOptions are the options of RedactWith.
type RedactOptions struct {
	Categories []Label
	// Pseudonyms replaces each value by a stable pseudonym. The key is read where the function runs:
	// see PseudonymVariable.
	Pseudonyms bool
}

// RedactWith is Redact with options.
func RedactWith[C Expression[C]](content C, o RedactOptions) C {
	options := map[string]string{}
	if o.Pseudonyms {
		options["replace"] = "pseudonym"
	}
	return content.Call(redact.Name, withExamples(nil, labelsText(o.Categories), jsonText(options))...)
}

// DetectPII returns the data of categories in each text as an ARRAY of STRUCT(category, start, end,
// text, score). start and end count characters from 1; end is that after the last.
func DetectPII[C Expression[C]](content C, categories ...string) C {
	return content.Call(detectPII.Name, notNull(categories))
}

type redactInput struct {
	privateInput
	pseudonyms bool
}

func redactReader() func(Row) (redactInput, bool, error) {
	read := privateReader("categories")
	return func(row Row) (in redactInput, ok bool, err error) {
		if in.privateInput, ok, err = read(row); err != nil {
			return in, false, err
		}
		options, err := readOptions("options", row[2], "replace")
		if err != nil {
			return in, false, err
		}
		switch replace, given := options["replace"]; {
		case replace == "pseudonym":
			in.pseudonyms = true
		case given && replace != "category":
			return in, false, badArgument("options", "the option replace is category or pseudonym, not %s", sensitive.Text(replace))
		}
		return in, ok, nil
	}
}

func redactAll(ctx context.Context, model Source, need []task[redactInput]) error {
	var key pseudonymKey
	private := make([]task[privateInput], len(need))
	for i, a := range need {
		if a.in.pseudonyms && key.key == nil {
			var err error
			if key, err = readPseudonymKey(); err != nil {
				return err
			}
		}
		private[i] = task[privateInput]{a.in.privateInput, a.Answer}
	}
	found, err := findPrivate(ctx, model, private)
	if err != nil {
		return err
	}
	for i, a := range need {
		a.Raw = "" // it may have the values
		if a.Err != nil {
			a.Err = &redactedError{a.Err}
			continue
		}
		a.Value = replaceSpans(a.in.content, mergeSpans(found[i]), func(s labelledSpan) string {
			category := categoryMark(s.label)
			if a.in.pseudonyms {
				category += "_" + key.pseudonym(category, a.in.content[s.start:s.end])
			}
			return "[" + category + "]"
		})
	}
	return nil
}

// redactedError is an error of a row whose text must not be shown, not even by a try_ function.
type redactedError struct{ err error }

func (e *redactedError) Error() string { return e.err.Error() }

// Is reports whether the error is target. There is no Unwrap: the error has hidden text.
func (e *redactedError) Is(target error) bool { return errors.Is(e.err, target) }

// categoryMark writes a category as in a redacted text: CREDIT_CARD.
func categoryMark(label string) string {
	words := strings.FieldsFunc(strings.ToUpper(label), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	if len(words) == 0 {
		return "REDACTED"
	}
	return strings.Join(words, "_")
}

func detectAll(ctx context.Context, model Source, need []task[privateInput]) error {
	found, err := findPrivate(ctx, model, need)
	if err != nil {
		return err
	}
	for i, a := range need {
		if a.Err != nil {
			continue
		}
		list := []any{}
		places := characterCounter{text: a.in.content}
		for _, s := range mergeSpans(found[i]) {
			value := a.in.content[s.start:s.end]
			start := 1 + places.before(s.start)
			list = append(list, []any{s.label, int64(start), int64(start + utf8.RuneCountInString(value)), value, s.score})
		}
		a.Value = list
	}
	return nil
}
