# Written by 'go test ./internal/cli -run TestPythonPackage -update'; do not edit.
from typing import TYPE_CHECKING, Any, Optional, Sequence, Union

from . import functions
from ._call import add_column, add_group, collected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ._call import ColumnOrName, Examples, Flag, Labels, Number, Options, Text, Texts, Vectors


class AI:
    """The AI functions over the columns of a DataFrame, as in
    ``df.ai.classify(input_col="text", labels=["a", "b"], output_col="topic")``.

    A method adds the column output_col, and with error_col another one that says why
    a row has no result. Functions over groups make a row of each group of by.
    """

    def __init__(self, df: "DataFrame"):
        self._df = df

    def agg(
        self,
        input_col: "ColumnOrName",
        instruction: "Text",
        *,
        by: "Union[ColumnOrName, Sequence[Any]]" = (),
        output_col: str = "agg",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Answers a question about all texts of a group.

        NULL and blank texts are ignored; a group without others, and NULL, give NULL
        without a model call. Equal texts are read once, with their number. The texts
        are sorted by their SHA-256, so that neither the order of rows nor their
        partitions change the answer. As many as fit are read in one prompt (1024
        tokens, or less for a model with a small context window); a longer text is
        divided. The answers for the prompts are combined in the same way until one is
        left, and nothing is left out: the note of try_ says in how many prompts a group
        was read, and whether a partial answer was cut off or repeated itself. A NULL
        instruction gives NULL. The query fails if the instruction is blank or longer
        than 4096 bytes. firesteel sql and the Go client also take the plain call
        ai_agg(column, instruction) and write collect_list.

        Parameters
        ----------
        input_col : STRING
            the column of the texts of a group
        instruction : STRING
            what to find out about all texts: 'What do customers complain about most?'
        by
            the columns of the groups; without them all rows are one group.
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_agg(collect_list(review), 'What do the customers complain about?') AS complaints FROM VALUES ('The battery died after a day.'), ('The battery is weak, the screen is fine.') AS t(review)
        """
        call = functions.try_ai_agg if error_col is not None else functions.ai_agg
        made = call(
            content=collected(input_col),
            instruction=instruction,
        )
        return add_group(self._df, by, made, output_col, error_col)

    def analyze_aspects(
        self,
        input_col: "ColumnOrName",
        aspects: "Labels",
        *,
        output_col: str = "analyze_aspects",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Finds the sentiment about each of several aspects of a text, and of the whole.

        NULL and blank content, and NULL aspects, give NULL without a model call. The
        map has each aspect once, with positive, negative, neutral, mixed or unknown
        (the text does not speak of it), and under the key overall the answer of
        ai_analyze_sentiment. The answers are scored, not generated. An aspect's answer
        does not depend on the other aspects. The model reads the text once for all
        aspects, and then the clause that names an aspect, so five cost little more than
        one. The query fails if the list is empty, if an aspect is blank or repeated or
        has the name overall, and if there are more than 20. Only the first 1024 tokens
        of a longer text are read.

        Parameters
        ----------
        input_col : STRING
            the text
        aspects : ARRAY<STRING> or STRING
            what the sentiment is about: ARRAY('food', 'service'), or JSON: '["food",
            "service"]', or with words for the model '{"svc": "service of the waiters"}'
        output_col
            the column of the result, of the type MAP<STRING,STRING>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_analyze_aspects('The soup was delicious, but the waiter was rude.', ARRAY('soup', 'waiter', 'price')) AS sentiments
        """
        call = functions.try_ai_analyze_aspects if error_col is not None else functions.ai_analyze_aspects
        made = call(
            content=input_col,
            aspects=aspects,
        )
        return add_column(self._df, made, output_col, error_col)

    def analyze_sentiment(
        self,
        input_col: "ColumnOrName",
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "analyze_sentiment",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Classifies a text as positive, negative, neutral or mixed.

        NULL and blank content give NULL without a model call. The four answers are
        scored, not generated, so no other answer is possible. Only the first 1024
        tokens of a longer text are read.

        Parameters
        ----------
        input_col : STRING
            the text
        examples : ARRAY<STRUCT> or STRING
            your own labelled rows, as struct(text, sentiment) (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_analyze_sentiment('It is a good test for Spark.') AS sentiment
        """
        call = functions.try_ai_analyze_sentiment if error_col is not None else functions.ai_analyze_sentiment
        made = call(
            content=input_col,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def chunk(
        self,
        input_col: "ColumnOrName",
        options: "Optional[Options]" = None,
        *,
        output_col: str = "chunk",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Divides a text into chunks for search, at the ends of sentences.

        NULL and blank content give NULL. A chunk has as many whole sentences (Unicode
        Standard Annex 29; a line end ends a sentence) as fit. A sentence that is larger
        than a chunk begins a new chunk and is divided at spaces. A piece that is still
        too large, such as text without spaces, is divided between words, and then
        between characters. Nothing is lost: without an overlap, the concatenated texts
        of the chunks are the content. An overlap consists of whole sentences, or of
        words of a divided sentence, so it may be smaller than chunk_overlap, or empty.
        The field index counts from 0. start is the place of the first character in the
        content, and end that after the last; both count from 1 as in substring, so text
        is substring(content, start, end - start). The field tokens is the number of
        tokens of the text, or NULL if the unit is not tokens. Tokens are those of the
        tokenizer of the session's embedder (see ai_embed), without those that the model
        adds to a text. A chunk has at most as many as the embedder reads, also if
        chunk_size is larger; try_ then returns a remark. It has at most 32 bytes for
        each token of chunk_size. With characters or words no model is opened. A chunk
        is larger than chunk_size only if it is a single character. The query fails if
        an option is unknown, if a size is not a number from 1 to 1048576, and if
        chunk_overlap is not less than chunk_size.

        Parameters
        ----------
        input_col : STRING
            the text
        options : MAP<STRING,STRING>, STRUCT or STRING
            options: chunk_size, the most tokens of a chunk (256); chunk_overlap, the
            most tokens of the end of a chunk that the next one repeats (0); unit, what
            both count: tokens, characters (chunk_size 1000) or words (200); split_by:
            sentences, or paragraphs to begin a chunk at each paragraph; as in
            MAP('chunk_size', '200', 'chunk_overlap', '40') (optional)
        output_col
            the column of the result, of the type ARRAY<STRUCT<index: INT, text: STRING,
            start: INT, end: INT, tokens: INT>>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_chunk('It is a test. It is good. The third sentence is longer.', MAP('chunk_size', '10')) AS chunks
        """
        call = functions.try_ai_chunk if error_col is not None else functions.ai_chunk
        made = call(
            content=input_col,
            options=options,
        )
        return add_column(self._df, made, output_col, error_col)

    def classify(
        self,
        input_col: "ColumnOrName",
        labels: "Labels",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "classify",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Returns the label that fits the text best.

        NULL and blank content, and NULL labels, give NULL without a model call. The
        labels are scored, not generated, so the answer is always one of them, exactly
        as in the list. With multilabel, each label is a separate question, and the
        answer is a JSON list of the labels that fit, which may be []. escalate_below
        and escalate_to, which firesteel calibrate chooses, send the rows whose answer
        has a smaller probability to a larger model of the session. The query fails if
        the list is empty, if a label is blank, repeated or longer than 256 bytes, if
        there are more than 1000 labels (100 with multilabel), if a text is not such
        JSON, and if an option is unknown. Only the first 1024 tokens of a longer text
        are read.

        Parameters
        ----------
        input_col : STRING
            the text
        labels : ARRAY<STRING> or STRING
            the labels to choose from: ARRAY('a', 'b'), or JSON: '["a", "b"]' or '{"a":
            "what a is", "b": "what b is"}'
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('instructions', 'the topic of the texts', 'multilabel', 'true',
            'escalate_below', '0.8', 'escalate_to', 'big') (optional)
        examples : ARRAY<STRUCT> or STRING
            your own labelled rows, as struct(text, label) (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_classify('My card was charged twice.', ARRAY('billing', 'delivery', 'product')) AS topic
        """
        call = functions.try_ai_classify if error_col is not None else functions.ai_classify
        made = call(
            content=input_col,
            labels=labels,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def classify_score(
        self,
        input_col: "ColumnOrName",
        labels: "Labels",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "classify_score",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Returns the label that fits the text best, and its probability.

        NULL and blank content, and NULL labels, give NULL without a model call. The
        label is that of ai_classify. Its probability is that of the model among the
        labels, after calibration; use a labelled sample to find out how reliable it is.
        The query fails if the list is empty, if a label is blank, repeated or longer
        than 256 bytes, if there are more than 1000 labels (100 with multilabel), if a
        text is not such JSON, and if an option is unknown. The query also fails with
        multilabel, which returns more than one label.

        Parameters
        ----------
        input_col : STRING
            the text
        labels : ARRAY<STRING> or STRING
            the labels to choose from: ARRAY('a', 'b'), or JSON: '["a", "b"]' or '{"a":
            "what a is", "b": "what b is"}'
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('instructions', 'the topic of the texts', 'multilabel', 'true',
            'escalate_below', '0.8', 'escalate_to', 'big') (optional)
        examples : ARRAY<STRUCT> or STRING
            your own labelled rows, as struct(text, label) (optional)
        output_col
            the column of the result, of the type STRUCT<label: STRING, probability:
            FLOAT>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_classify_score('My card was charged twice.', ARRAY('billing', 'delivery', 'product')) AS topic
        """
        call = functions.try_ai_classify_score if error_col is not None else functions.ai_classify_score
        made = call(
            content=input_col,
            labels=labels,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def clusters(
        self,
        input_col: "ColumnOrName",
        others: "Texts",
        *,
        by: "Union[ColumnOrName, Sequence[Any]]" = (),
        output_col: str = "clusters",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Finds the clusters that pairs of texts form.

        NULL gives NULL. No model is asked. Texts that a chain of pairs connects are in
        one cluster, whose id is the first 16 digits of the SHA-256 of its least text in
        byte order. The result has each text once. DataFrame.Clusters of the Go client
        calls it. A row has an error if the arrays differ in length.

        Parameters
        ----------
        input_col : STRING
            the column of the texts of a group
        others : STRING
            the column of the texts of a group
        by
            the columns of the groups; without them all rows are one group.
        output_col
            the column of the result, of the type ARRAY<STRUCT<text: STRING, cluster:
            STRING>>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_clusters(array('a', 'b'), array('b', 'c')) AS clusters
        """
        call = functions.try_ai_clusters if error_col is not None else functions.ai_clusters
        made = call(
            texts=collected(input_col),
            others=collected(others),
        )
        return add_group(self._df, by, made, output_col, error_col)

    def count_tokens(
        self,
        input_col: "ColumnOrName",
        *,
        output_col: str = "count_tokens",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Counts the tokens of a text with the model's tokenizer.

        NULL gives NULL, and an empty text 0. Blank text is counted too, because spaces
        are tokens. Only the tokenizer of the model runs, which is fast. The tokens of a
        prompt around the text are not counted.

        Parameters
        ----------
        input_col : STRING
            the text
        output_col
            the column of the result, of the type INT.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_count_tokens('It is a good test for Spark.') AS tokens
        """
        call = functions.try_ai_count_tokens if error_col is not None else functions.ai_count_tokens
        made = call(
            content=input_col,
        )
        return add_column(self._df, made, output_col, error_col)

    def detect_language(
        self,
        input_col: "ColumnOrName",
        *,
        output_col: str = "detect_language",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Detects the language of a text, without a language model.

        NULL and blank content give NULL. The field language is a code of ISO 639-1,
        such as en, and the field probability is that of this language, from 0 to 1.
        Both are NULL if the text has no letters (digits, emoji, punctuation), and if it
        looks more like numbers, markup or identifiers than like any language (a URL,
        for example). A text in several languages gives one of them. The whole text is
        read. The answer does not depend on a model of the session, and no model is
        opened. Texts of a language whose code has three letters give that of its
        macrolanguage (Egyptian Arabic gives ar, Cantonese zh), or of another language.
        With equal scores, 31 languages that are common on the Web are three times as
        probable as others; this decides short texts only.

        Parameters
        ----------
        input_col : STRING
            the text
        output_col
            the column of the result, of the type STRUCT<language: STRING, probability:
            DOUBLE>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_detect_language('Das ist ein guter Test.') AS language
        """
        call = functions.try_ai_detect_language if error_col is not None else functions.ai_detect_language
        made = call(
            content=input_col,
        )
        return add_column(self._df, made, output_col, error_col)

    def detect_pii(
        self,
        input_col: "ColumnOrName",
        categories: "Labels",
        *,
        output_col: str = "detect_pii",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Finds private data in a text, with their places.

        NULL and blank content, and NULL categories, give NULL without a model call. A
        text without such data gives an empty list. Data are found as by ai_mask, by
        exact rules, the tagger and the text model; finds that overlap become one, with
        the category of the longest. The category is that of the list. start is the
        place of the first character in the content (Unicode code points), and end that
        after the last; both count from 1 as in substring, so text is substring(content,
        start, end - start). The score lies between 0 and 1: of exact rules 0.95 and
        more if a check digit or strict grammar holds, of the tagger the mean
        probability of the words, of the text model the probability of the category.
        Scores of different kinds are not comparable. If a request fails, the row is an
        error. The query fails if the list is empty, if a category is blank or repeated,
        if there are more than 100, and if a text is not such JSON.

        Parameters
        ----------
        input_col : STRING
            the text
        categories : ARRAY<STRING> or STRING
            the data to find, as the labels of ai_mask: ARRAY('person', 'email'), or
            JSON: '["person", "email"]' or '{"person": "the patient only"}'
        output_col
            the column of the result, of the type ARRAY<STRUCT<category: STRING, start:
            INT, end: INT, text: STRING, score: DOUBLE>>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_detect_pii('Write to anna@example.com or call 212-555-0143.', ARRAY('email', 'phone')) AS found
        """
        call = functions.try_ai_detect_pii if error_col is not None else functions.ai_detect_pii
        made = call(
            content=input_col,
            categories=categories,
        )
        return add_column(self._df, made, output_col, error_col)

    def embed(
        self,
        input_col: "ColumnOrName",
        options: "Optional[Options]" = None,
        *,
        output_col: str = "embed",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Computes an embedding vector of a text.

        NULL and blank content give NULL without a model call. The vector has length 1,
        so the dot product of two vectors is their cosine similarity. Only the start of
        a text is read if it is longer than the model's context window. The query fails
        if the model computes no vectors, if an option is unknown, and if dimensions is
        more than the vectors have. A prompt is a text that the model's files put before
        queries or documents (see the model's card); a model without a prompt of that
        name adds none. dimensions keeps the first numbers of a vector, for models that
        were trained for it.

        Parameters
        ----------
        input_col : STRING
            the text
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('prompt', 'query' or 'document', 'dimensions', '256') (optional)
        output_col
            the column of the result, of the type ARRAY<FLOAT>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_embed('It is a good test for Spark.') AS vector
        """
        call = functions.try_ai_embed if error_col is not None else functions.ai_embed
        made = call(
            content=input_col,
            options=options,
        )
        return add_column(self._df, made, output_col, error_col)

    def extract(
        self,
        input_col: "ColumnOrName",
        labels: "Labels",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "extract",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Finds the values of labels in a text, as a map of label to value.

        NULL and blank content, and NULL labels, give NULL without a model call. The map
        has each label once, in the order of the list. Its value is the first one in the
        text, and NULL if the text does not contain it. E-mails, phone numbers, cards,
        IBANs, IP and MAC addresses, URLs, SSNs and wallets are found by exact rules
        without a model. Persons (also first and last names), places, addresses and
        numbers of documents and accounts are found by the session's tagger, the model
        of the role tag, if it has a label for them. The text model finds the values of
        other labels, of labels with a description, and all values if there are
        instructions, examples or a schema. A call with a label for the tagger fails if
        the session may not download one; if the session's only model is a text model,
        that one finds them. The text model checks each value of a label in a second
        request, in which it chooses between the value and none. Unless the option spans
        is false, every value is an exact piece of the content: nothing is invented.
        With a JSON Schema of an object, the map has the properties of the object;
        values that are not texts are written as JSON. The query fails if the list is
        empty, if a label is blank or repeated, if there are more than 100 labels, if a
        text is neither such a list nor a valid schema, and if an option is unknown. A
        long text is read in parts of 1024 tokens, and the first value found is
        returned.

        Parameters
        ----------
        input_col : STRING
            the text
        labels : ARRAY<STRING> or STRING
            the values to find: ARRAY('person', 'city'), or JSON: '["person", "city"]',
            '{"person": "the writer of the letter"}', or a JSON Schema
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('instructions', 'the topic of the texts', 'spans', 'false'): with spans
            false, values need not occur in the text (optional)
        examples : ARRAY<STRUCT> or STRING
            your own texts with the values in them, as struct(text, JSON) (optional)
        output_col
            the column of the result, of the type MAP<STRING,STRING>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_extract('Maria Lopez flew from Oslo to Rome.', ARRAY('person', 'destination')) AS found
        """
        call = functions.try_ai_extract if error_col is not None else functions.ai_extract
        made = call(
            content=input_col,
            labels=labels,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def extract_json(
        self,
        input_col: "ColumnOrName",
        labels: "Labels",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "extract_json",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Finds the values that a JSON Schema describes in a text, as JSON.

        NULL and blank content, and NULL labels, give NULL without a model call. The
        answer is JSON that is valid under the schema; otherwise the row has an error.
        Labels mean the schema of an object of texts, in which "" means that the text
        does not contain the value. E-mails, phone numbers, cards, IBANs, IP and MAC
        addresses, URLs, SSNs and wallets are found by exact rules without a model.
        Persons (also first and last names), places, addresses and numbers of documents
        and accounts are found by the session's tagger, the model of the role tag, if it
        has a label for them. The text model finds the values of other labels, of labels
        with a description, and all values if there are instructions, examples or a
        schema. A call with a label for the tagger fails if the session may not download
        one; if the session's only model is a text model, that one finds them. The text
        model checks each value of a label in a second request, in which it chooses
        between the value and none. Unless the option spans is false, every value is an
        exact piece of the content: nothing is invented. The query fails if the list is
        empty, if a label is blank or repeated, if there are more than 100 labels, if a
        text is neither such a list nor a valid schema, and if an option is unknown.
        With a schema, only the first 1024 tokens of a longer text are read; with
        labels, a long text is read in parts.

        Parameters
        ----------
        input_col : STRING
            the text
        labels : ARRAY<STRING> or STRING
            the values to find: ARRAY('person', 'city'), or JSON: '["person", "city"]',
            '{"person": "the writer of the letter"}', or a JSON Schema
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('instructions', 'the topic of the texts', 'spans', 'false'): with spans
            false, values need not occur in the text (optional)
        examples : ARRAY<STRUCT> or STRING
            your own texts with the values in them, as struct(text, JSON) (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_extract_json('Two coffees, 7.50 euros.', '{"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}, "required": ["total", "currency"]}') AS receipt
        """
        call = functions.try_ai_extract_json if error_col is not None else functions.ai_extract_json
        made = call(
            content=input_col,
            labels=labels,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def extract_spans(
        self,
        input_col: "ColumnOrName",
        labels: "Labels",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "extract_spans",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Finds the values of labels in a text, with their places and how sure they are.

        NULL and blank content, and NULL labels, give NULL without a model call. The
        values are those of ai_extract, in the order of the labels; a label without a
        value is left out, and a text without values gives an empty list. E-mails, phone
        numbers, cards, IBANs, IP and MAC addresses, URLs, SSNs and wallets are found by
        exact rules without a model. Persons (also first and last names), places,
        addresses and numbers of documents and accounts are found by the session's
        tagger, the model of the role tag, if it has a label for them. The text model
        finds the values of other labels, of labels with a description, and all values
        if there are instructions, examples or a schema. A call with a label for the
        tagger fails if the session may not download one; if the session's only model is
        a text model, that one finds them. start is the place of the first character in
        the content (Unicode code points), and end that after the last; both count from
        1 as in substring, so text is substring(content, start, end - start). The place
        of a value of the text model is the first one where the content has it as whole
        words. The confidence lies between 0 and 1: of exact rules 0.95 and more if a
        check digit or strict grammar holds, of the tagger the mean probability of the
        words, of the text model an estimate of the probability that the value is right,
        from two questions: the value or none, and an answer with or without it. It is
        NULL if a server answers. Confidences of different kinds and models are not
        comparable: choose a threshold on your own rows. The query fails if the list is
        empty, if a label is blank or repeated, if there are more than 100 labels, if a
        text is not such JSON, if labels are a JSON Schema, and if an option is unknown.
        A long text is read in parts of 1024 tokens.

        Parameters
        ----------
        input_col : STRING
            the text
        labels : ARRAY<STRING> or STRING
            the values to find: ARRAY('person', 'city'), or JSON: '["person", "city"]'
            or '{"person": "the writer of the letter"}'
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('instructions', 'the topic of the texts') (optional)
        examples : ARRAY<STRUCT> or STRING
            your own texts with the values in them, as struct(text, JSON) (optional)
        output_col
            the column of the result, of the type ARRAY<STRUCT<label: STRING, text:
            STRING, start: INT, end: INT, confidence: DOUBLE>>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_extract_spans('Ann Lee booked a table for six at noon. Call 212-555-0143.', ARRAY('person', 'phone', 'time')) AS found
        """
        call = functions.try_ai_extract_spans if error_col is not None else functions.ai_extract_spans
        made = call(
            content=input_col,
            labels=labels,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def filter(
        self,
        input_col: "ColumnOrName",
        predicate: "Text",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "filter",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Decides whether a statement is true of a text.

        NULL and blank content, and a NULL predicate, give NULL without a model call.
        The answer is scored, not generated. The query fails if the predicate is blank
        or longer than 4096 bytes, if the threshold is not a number from 0 to 1, and if
        an option is unknown. Only the first 1024 tokens of a longer text are read.
        escalate_below and escalate_to, which firesteel calibrate chooses, send the rows
        whose answer has a smaller probability to a larger model of the session. In a
        WHERE clause NULL keeps no row, like false. Spark evaluates the other conditions
        of the same WHERE first, if they are joined by AND and are deterministic; see
        SQL for what it does with OR, CASE and joins.

        Parameters
        ----------
        input_col : STRING
            the text; format_string puts several columns into one
        predicate : STRING
            what may be true of the text, as a statement: 'the review is positive'
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('threshold', '0.7'): the probability from which on the answer is true
            (default 0.5); also escalate_below and escalate_to (optional)
        examples : ARRAY<STRUCT> or STRING
            your own labelled rows, as struct(text, 'true' or 'false') (optional)
        output_col
            the column of the result, of the type BOOLEAN.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_filter('The battery died after a day.', 'the customer complains') AS complains
        """
        call = functions.try_ai_filter if error_col is not None else functions.ai_filter
        made = call(
            content=input_col,
            predicate=predicate,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def filter_score(
        self,
        input_col: "ColumnOrName",
        predicate: "Text",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "filter_score",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Computes the probability that a statement is true of a text.

        NULL and blank content, and a NULL predicate, give NULL without a model call.
        The answer is scored, not generated. The query fails if the predicate is blank
        or longer than 4096 bytes, if the threshold is not a number from 0 to 1, and if
        an option is unknown. Only the first 1024 tokens of a longer text are read.
        escalate_below and escalate_to, which firesteel calibrate chooses, send the rows
        whose answer has a smaller probability to a larger model of the session. The
        result is from 0 to 1. It is the model's, after calibration; use a labelled
        sample to find out how reliable it is. The query also fails with the option
        threshold, which is for ai_filter.

        Parameters
        ----------
        input_col : STRING
            the text; format_string puts several columns into one
        predicate : STRING
            what may be true of the text, as a statement: 'the review is positive'
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('threshold', '0.7'): the probability from which on the answer is true
            (default 0.5); also escalate_below and escalate_to (optional)
        examples : ARRAY<STRUCT> or STRING
            your own labelled rows, as struct(text, 'true' or 'false') (optional)
        output_col
            the column of the result, of the type DOUBLE.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_filter_score('The battery died after a day.', 'the customer complains') AS probability
        """
        call = functions.try_ai_filter_score if error_col is not None else functions.ai_filter_score
        made = call(
            content=input_col,
            predicate=predicate,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def fix_grammar(
        self,
        input_col: "ColumnOrName",
        examples: "Optional[Examples]" = None,
        tagger: "Optional[Text]" = None,
        *,
        output_col: str = "fix_grammar",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Corrects the grammar and spelling of a text.

        NULL gives NULL, and blank content is returned unchanged, without a model call.
        A long text is corrected in parts of at most 384 tokens, independently of each
        other; the space between them does not change. An answer that has few of the
        words of the text is not a correction; it is the error of the row. With tagger,
        a tagger of edits decides for each word whether it stays, and by which of its
        about 200 edits it changes; nothing is written, all other bytes stay, and a text
        of any length is corrected as a whole. It knows frequent mistakes of English and
        no spelling, and examples are an error.

        Parameters
        ----------
        input_col : STRING
            the text to correct
        examples : ARRAY<STRUCT> or STRING
            your own corrected texts, as struct(text, corrected) (optional)
        tagger : STRING
            the name of a model of the session that corrects instead of the text model:
            a tagger of edits, such as gector-distilbert (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_fix_grammar('She have went to the shop yesterday.') AS corrected
        """
        call = functions.try_ai_fix_grammar if error_col is not None else functions.ai_fix_grammar
        made = call(
            content=input_col,
            examples=examples,
            tagger=tagger,
        )
        return add_column(self._df, made, output_col, error_col)

    def gen(
        self,
        input_col: "ColumnOrName",
        *,
        output_col: str = "gen",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Answers a prompt with generated text.

        NULL and blank prompts give NULL without a model call. The answer is greedy (the
        same prompt always gives the same answer) and has at most 256 tokens. An answer
        that was cut off at this limit has a note. A prompt that is longer than the
        model's context window is an error of the row: its answer is NULL, and the
        worker's log counts it.

        Parameters
        ----------
        input_col : STRING
            the prompt; it is sent to the model unchanged
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_gen('Name three colours.') AS answer
        """
        call = functions.try_ai_gen if error_col is not None else functions.ai_gen
        made = call(
            prompt=input_col,
        )
        return add_column(self._df, made, output_col, error_col)

    def mask(
        self,
        input_col: "ColumnOrName",
        labels: "Labels",
        *,
        output_col: str = "mask",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Replaces private data in a text by [MASKED].

        NULL content and NULL labels give NULL, and blank content is returned unchanged,
        without a model call. The text is not generated again: each value that is found
        is replaced, a person wherever the name occurs, and all other bytes stay the
        same. Data with a known pattern (e-mail, phone, card, IBAN, IP address, URL,
        SSN, date and others) are found by exact rules without a model, and win over
        other finds. Persons (also first and last names), places (city, state, country),
        addresses and numbers of documents and accounts (passport, driver licence, id,
        bank account, postal code) are found by the session's tagger, the model of the
        role tag; countries also by a list. Labels of common taggers are known, such as
        PER, B-PERSON, GIVEN_NAME, LOC, GPE and CITY. The text model finds what the
        tagger has no label for, such as organizations and products, all other data, and
        labels with a description. A call with a label for the tagger fails if the
        session may not download one; if the session's only model is a text model, that
        one finds them. If a request fails, the row is an error: a partly masked text is
        never returned. The query fails if the list is empty, if a label is blank or
        repeated, if there are more than 100 labels, and if a text is not such JSON.

        Parameters
        ----------
        input_col : STRING
            the text
        labels : ARRAY<STRING> or STRING
            the data to mask: ARRAY('person', 'email'), or JSON: '["person", "email"]'
            or '{"person": "the patient only"}'
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_mask('Write to anna@example.com or call 212-555-0143.', ARRAY('email', 'phone')) AS masked
        """
        call = functions.try_ai_mask if error_col is not None else functions.ai_mask
        made = call(
            content=input_col,
            labels=labels,
        )
        return add_column(self._df, made, output_col, error_col)

    def nearest(
        self,
        input_col: "ColumnOrName",
        among: "Texts",
        options: "Optional[Options]" = None,
        vectors: "Optional[Vectors]" = None,
        among_vectors: "Optional[Vectors]" = None,
        *,
        by: "Union[ColumnOrName, Sequence[Any]]" = (),
        output_col: str = "nearest",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Finds the nearest texts of texts in two groups, by letters or by vectors.

        NULL in texts, among or one of the vectors gives NULL. No model is asked. With
        vectors, the nearest are those with the greatest cosine, and the fields rank and
        similarity are both the cosine; a NULL vector has none. Without vectors, rank is
        the cosine of the counts of sequences of two and three letters, and similarity
        is 1 less the number of letters to insert, delete, replace or swap, over the
        length of the longer text. Case, accents, punctuation and the order of words do
        not count. All pairs are compared: the result is exact, and of equal texts the
        least in byte order comes first. DataFrame.JoinByMeaning of the Go client calls
        it over blocks of both tables. The query fails if nearest is not a number from 1
        to 1000, and a row has an error if texts and vectors differ in number.

        Parameters
        ----------
        input_col : STRING
            the column of the texts of a group
        among : STRING
            the column of the texts of a group
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('nearest', '10'): how many for each text (default 10) (optional)
        vectors : ARRAY<ARRAY<FLOAT>>
            the vectors of texts, as of ai_embed, in the same order (optional)
        among_vectors : ARRAY<ARRAY<FLOAT>>
            the vectors of among (optional)
        by
            the columns of the groups; without them all rows are one group.
        output_col
            the column of the result, of the type ARRAY<STRUCT<text: STRING, nearest:
            STRING, rank: DOUBLE, similarity: DOUBLE>>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_nearest(array('Jon Smith'), array('John Smith', 'Mary Jones'), MAP('nearest', '1')) AS pairs
        """
        call = functions.try_ai_nearest if error_col is not None else functions.ai_nearest
        made = call(
            texts=collected(input_col),
            among=collected(among),
            options=options,
            vectors=collected(vectors),
            among_vectors=collected(among_vectors),
        )
        return add_group(self._df, by, made, output_col, error_col)

    def predict(
        self,
        input_col: "ColumnOrName",
        model: "Text",
        options: "Optional[Options]" = None,
        *,
        output_col: str = "predict",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Returns the label that a model fitted on your labelled rows predicts, and its probability.

        NULL and blank content, and a NULL model, give NULL without a model call. The
        query fails if the session does not have the model, if the model was fitted on
        the vectors of another embedder than the session's, and if an option is unknown.
        Only the start of a text is read if it is longer than the embedder's context
        window. The text is embedded once for all functions of a query that read its
        vector. escalate_below and escalate_to, which firesteel calibrate chooses, send
        the rows whose answer has a smaller probability to a larger model of the
        session. That model chooses among the names of the labels. The label is NULL if
        its probability is below the threshold: the text has none of the labels. The
        query fails for a model that predicts several labels (use ai_predict_labels) or
        a number (ai_predict_number).

        Parameters
        ----------
        input_col : STRING
            the text
        model : STRING
            the name of a model of the session that firesteel fit made
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('threshold', '0.7'): the probability below which no label is given
            (default: that of the model); for ai_predict also escalate_below and
            escalate_to (optional)
        output_col
            the column of the result, of the type STRUCT<label: STRING, probability:
            FLOAT>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_predict('My card was charged twice.', 'topic') AS prediction
        """
        call = functions.try_ai_predict if error_col is not None else functions.ai_predict
        made = call(
            content=input_col,
            model=model,
            options=options,
        )
        return add_column(self._df, made, output_col, error_col)

    def predict_labels(
        self,
        input_col: "ColumnOrName",
        model: "Text",
        options: "Optional[Options]" = None,
        *,
        output_col: str = "predict_labels",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Returns all labels that a model fitted on your labelled rows predicts, with their probabilities.

        NULL and blank content, and a NULL model, give NULL without a model call. The
        query fails if the session does not have the model, if the model was fitted on
        the vectors of another embedder than the session's, and if an option is unknown.
        Only the start of a text is read if it is longer than the embedder's context
        window. The text is embedded once for all functions of a query that read its
        vector. The labels are those from the threshold on, the most probable first; the
        list may be empty. For a model that predicts one label, the probabilities are
        those of ai_predict, and all labels from the threshold on are listed. The query
        fails for a model that predicts a number.

        Parameters
        ----------
        input_col : STRING
            the text
        model : STRING
            the name of a model of the session that firesteel fit made
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('threshold', '0.7'): the probability below which no label is given
            (default: that of the model); for ai_predict also escalate_below and
            escalate_to (optional)
        output_col
            the column of the result, of the type ARRAY<STRUCT<label: STRING,
            probability: FLOAT>>.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_predict_labels('My card was charged twice.', 'topic') AS predictions
        """
        call = functions.try_ai_predict_labels if error_col is not None else functions.ai_predict_labels
        made = call(
            content=input_col,
            model=model,
            options=options,
        )
        return add_column(self._df, made, output_col, error_col)

    def predict_number(
        self,
        input_col: "ColumnOrName",
        model: "Text",
        *,
        output_col: str = "predict_number",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Returns the number that a model fitted on your rows predicts.

        NULL and blank content, and a NULL model, give NULL without a model call. The
        query fails if the session does not have the model, if the model was fitted on
        the vectors of another embedder than the session's, and if an option is unknown.
        Only the start of a text is read if it is longer than the embedder's context
        window. The text is embedded once for all functions of a query that read its
        vector. The query fails for a model that predicts labels. Numbers beyond those
        of the fitted rows are possible.

        Parameters
        ----------
        input_col : STRING
            the text
        model : STRING
            the name of a model of the session that firesteel fit made
        output_col
            the column of the result, of the type DOUBLE.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_predict_number('My card was charged twice.', 'urgency') AS urgency
        """
        call = functions.try_ai_predict_number if error_col is not None else functions.ai_predict_number
        made = call(
            content=input_col,
            model=model,
        )
        return add_column(self._df, made, output_col, error_col)

    def query(
        self,
        input_col: "ColumnOrName",
        endpoint: "Text",
        returnType: "Optional[Text]" = None,
        failOnError: "Optional[Flag]" = None,
        modelParameters: "Optional[Options]" = None,
        responseFormat: "Optional[Text]" = None,
        *,
        output_col: str = "query",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Sends a request to a model of the session, with control over the answer.

        NULL and blank requests, and a NULL endpoint, give NULL without a model call.
        The answer is greedy and has at most 256 tokens, unless max_tokens is set. With
        returnType or responseFormat it is JSON of that form; otherwise the row has an
        error. The query fails if the session does not have the model, if a type or
        format is invalid, and if a model parameter is unknown.

        Parameters
        ----------
        endpoint : STRING
            one of the session's models, by the name that it was given or its reference,
            or a part of that between the signs / : @ ; 'default' is the one of all
            other functions
        input_col : STRING
            what to ask, as it goes to the model
        returnType : STRING
            a type of Spark SQL, such as 'INT' or 'STRUCT<name: STRING>': the answer is
            JSON of it (optional)
        failOnError : BOOLEAN
            true: a row that cannot be answered fails the query; it is NULL otherwise
            (optional)
        modelParameters : MAP<STRING,STRING>, STRUCT or STRING
            named_struct('max_tokens', 100); temperature and others are accepted and not
            used (optional)
        responseFormat : STRING
            'STRUCT<...>', '{"type": "json_object"}', '{"type": "json_schema",
            "json_schema": {...}}' or '{"type": "text"}' (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_query('default', 'Name three colours.', modelParameters => named_struct('max_tokens', 30)) AS answer
        """
        call = functions.try_ai_query if error_col is not None else functions.ai_query
        made = call(
            endpoint=endpoint,
            request=input_col,
            returnType=returnType,
            failOnError=failOnError,
            modelParameters=modelParameters,
            responseFormat=responseFormat,
        )
        return add_column(self._df, made, output_col, error_col)

    def rank(
        self,
        input_col: "ColumnOrName",
        query: "Text",
        *,
        output_col: str = "rank",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Computes how well a text answers a query.

        NULL or blank text on either side gives NULL without a model call. If the
        session has a model of the role rank, a cross-encoder with one number as its
        result such as ms-marco-minilm-l6, it reads query and text together, and the
        result is its probability, from 0 to 1. There is none by default: then the
        result is the cosine of the vectors of the query and of the text by the
        embedder, from -1 to 1, with the embedder's prompts of queries and documents if
        its files have some. Compare only results of one model. The query fails if the
        model of the role rank has several classes. Only the start of a text is read if
        it is longer than the model's context window.

        Parameters
        ----------
        query : STRING
            what is looked for: a question or some words
        input_col : STRING
            the text
        output_col
            the column of the result, of the type DOUBLE.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_rank('What is Spark?', 'Apache Spark is an engine for data processing.') AS relevance
        """
        call = functions.try_ai_rank if error_col is not None else functions.ai_rank
        made = call(
            query=query,
            content=input_col,
        )
        return add_column(self._df, made, output_col, error_col)

    def redact(
        self,
        input_col: "ColumnOrName",
        categories: "Labels",
        options: "Optional[Options]" = None,
        *,
        output_col: str = "redact",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Replaces private data in a text by their category, such as [PERSON], or by pseudonyms.

        NULL content and NULL categories give NULL, and blank content is returned
        unchanged, without a model call. Data are found as by ai_mask, by exact rules,
        the tagger and the text model; finds that overlap become one, with the category
        of the longest. All other bytes stay the same. With the option replace =>
        'pseudonym', a value becomes [PERSON_mzxw6ytboi2dgnbt]: the category, and 80
        bits of the HMAC-SHA256 of category and value with your key. Equal values of a
        category have equal pseudonyms in all rows, runs and executors with the same
        key, so that joins and counts survive. Values are equal without regard to case,
        white space and forms of Unicode; phones, cards, accounts, ids and postal codes
        also without punctuation. Category names count: person and name give different
        pseudonyms. The key is at least 32 bytes in the environment variable
        FIRESTEEL_PSEUDONYM_SECRET, or in the file that FIRESTEEL_PSEUDONYM_SECRET_FILE
        names, where the function runs (on Spark, on each executor); see security.md.
        Without a key the query fails. If a request fails, the row is an error: a partly
        redacted text is never returned. The query fails if the list is empty, if a
        category is blank or repeated, if there are more than 100, and if a text is not
        such JSON. It also fails if an option is unknown.

        Parameters
        ----------
        input_col : STRING
            the text
        categories : ARRAY<STRING> or STRING
            the data to find, as the labels of ai_mask: ARRAY('person', 'email'), or
            JSON: '["person", "email"]' or '{"person": "the patient only"}'
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('replace', 'pseudonym'): a stable pseudonym instead of the category
            (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_redact('Write to anna@example.com or call 212-555-0143.', ARRAY('email', 'phone')) AS redacted
        """
        call = functions.try_ai_redact if error_col is not None else functions.ai_redact
        made = call(
            content=input_col,
            categories=categories,
            options=options,
        )
        return add_column(self._df, made, output_col, error_col)

    def score(
        self,
        input_col: "ColumnOrName",
        criteria: "Text",
        options: "Optional[Options]" = None,
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "score",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Scores a text by a criterion or a rubric, from 0 to 1.

        NULL and blank content, and NULL criteria, give NULL without a model call. The
        result is the expected value over the levels of a scale, whose probabilities the
        model gives; nothing is written and read. Levels of a rubric are lines, or parts
        between semicolons, that begin with a number and a colon; the lowest number is 0
        in the result, the highest 1, and others lie between by their distance. Without
        a rubric, a criterion such as 'how urgent the request is' says most. The query
        fails if criteria are blank or longer than 4096 bytes, if a rubric has more than
        20 levels or one twice, if only one of low and high is given, or both with a
        rubric, and if the score of an example is not a number from 0 to 1. Only the
        first 1024 tokens of a longer text are read. Compare only scores of one model
        and one criterion; multiply by 4 and add 1 for a scale from 1 to 5.

        Parameters
        ----------
        input_col : STRING
            the text; format_string puts several columns into one
        criteria : STRING
            what is scored: 'how satisfied the customer is', or a rubric: 'urgency; 1:
            it can wait; 2: this week; 3: now'
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('low', 'the customer is angry', 'high', 'the customer is delighted'):
            what is true of a text with the score 0, and of one with 1 (optional)
        examples : ARRAY<STRUCT> or STRING
            your own scored rows, as struct(text, '0.75') (optional)
        output_col
            the column of the result, of the type DOUBLE.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_score('The app crashes whenever I open it. I want my money back!', 'how satisfied the customer is') AS score
        """
        call = functions.try_ai_score if error_col is not None else functions.ai_score
        made = call(
            content=input_col,
            criteria=criteria,
            options=options,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)

    def similarity(
        self,
        input_col: "ColumnOrName",
        b: "Text",
        options: "Optional[Options]" = None,
        *,
        output_col: str = "similarity",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Computes how similar two texts are in meaning, from -1 to 1.

        NULL or blank text on either side gives NULL without a model call. The result is
        the cosine of the vectors of the two texts (see ai_embed); 1 means the same. The
        scale depends on the model: compare only results of one model. The query fails
        if the model computes no vectors, if an option is unknown, and if dimensions is
        more than the vectors have. A prompt is a text that the model's files put before
        queries or documents (see the model's card); a model without a prompt of that
        name adds none. dimensions keeps the first numbers of a vector, for models that
        were trained for it.

        Parameters
        ----------
        input_col : STRING
            a text
        b : STRING
            another text
        options : MAP<STRING,STRING>, STRUCT or STRING
            MAP('prompt_a', 'query', 'prompt_b', 'document', 'dimensions', '256')
            (optional)
        output_col
            the column of the result, of the type FLOAT.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_similarity('Apache Spark', 'Apache Spark SQL') AS similarity
        """
        call = functions.try_ai_similarity if error_col is not None else functions.ai_similarity
        made = call(
            a=input_col,
            b=b,
            options=options,
        )
        return add_column(self._df, made, output_col, error_col)

    def summarize(
        self,
        input_col: "ColumnOrName",
        max_words: "Optional[Number]" = None,
        *,
        output_col: str = "summarize",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Summarises a text.

        NULL and blank content give NULL without a model call, and a text of at most
        max_words words is its own summary. A text of more than 1024 tokens (or a third
        of the model's context window) is summarised in parts, and then the summaries
        are summarised; the note of try_ai_summarize reports this. A summary of more
        than max_words words is cut, at the end of a sentence if possible, and has a
        note. The query fails if max_words is negative.

        Parameters
        ----------
        input_col : STRING
            the text
        max_words : INT
            the maximum number of words of the summary; default 50, 0 means no limit
            (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_summarize('Apache Spark is an engine for large-scale data. It runs SQL, streams and machine learning on one machine or on thousands.', 10) AS summary
        """
        call = functions.try_ai_summarize if error_col is not None else functions.ai_summarize
        made = call(
            content=input_col,
            max_words=max_words,
        )
        return add_column(self._df, made, output_col, error_col)

    def summarize_agg(
        self,
        input_col: "ColumnOrName",
        max_words: "Optional[Number]" = None,
        *,
        by: "Union[ColumnOrName, Sequence[Any]]" = (),
        output_col: str = "summarize_agg",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Summarises all texts of a group.

        NULL and blank texts are ignored; a group without others, and NULL, give NULL
        without a model call. Equal texts are read once, with their number. The texts
        are sorted by their SHA-256, so that neither the order of rows nor their
        partitions change the answer. As many as fit are read in one prompt (1024
        tokens, or less for a model with a small context window); a longer text is
        divided. The answers for the prompts are combined in the same way until one is
        left, and nothing is left out: the note of try_ says in how many prompts a group
        was read, and whether a partial answer was cut off or repeated itself. A group
        of one text of at most max_words words is its own summary. A summary of more
        than max_words words is cut, at the end of a sentence if possible, and has a
        note. The query fails if max_words is negative. firesteel sql and the Go client
        also take the plain call ai_summarize_agg(column) and write collect_list.

        Parameters
        ----------
        input_col : STRING
            the column of the texts of a group
        max_words : INT
            the maximum number of words of the summary; default 100, 0 means no limit
            (optional)
        by
            the columns of the groups; without them all rows are one group.
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_summarize_agg(collect_list(review), 20) AS summary FROM VALUES ('The battery died after a day.'), ('The battery is weak, the screen is fine.') AS t(review)
        """
        call = functions.try_ai_summarize_agg if error_col is not None else functions.ai_summarize_agg
        made = call(
            content=collected(input_col),
            max_words=max_words,
        )
        return add_group(self._df, by, made, output_col, error_col)

    def translate(
        self,
        input_col: "ColumnOrName",
        to_lang: "Text",
        examples: "Optional[Examples]" = None,
        *,
        output_col: str = "translate",
        error_col: Optional[str] = None,
    ) -> "DataFrame":
        """Translates a text into another language.

        NULL content and a NULL language give NULL, and blank content is returned
        unchanged, without a model call. The query fails if the language is not a known
        ISO 639-1 code, a locale such as pt-BR, or an English name. A long text is
        translated in parts of at most 384 tokens, independently of each other; the
        space between them does not change. An answer in which the model repeats itself
        is an error of the row.

        Parameters
        ----------
        input_col : STRING
            the text
        to_lang : STRING
            the target language: a code (de, pt-BR) or an English name (German)
        examples : ARRAY<STRUCT> or STRING
            your own translated texts, as struct(text, translated) (optional)
        output_col
            the column of the result, of the type STRING.
        error_col
            a column of the reason why a row has no result.

        Returns
        -------
        DataFrame

        Examples
        --------
        In SQL::

            SELECT ai_translate('Good morning.', 'fr') AS translated
        """
        call = functions.try_ai_translate if error_col is not None else functions.ai_translate
        made = call(
            content=input_col,
            to_lang=to_lang,
            examples=examples,
        )
        return add_column(self._df, made, output_col, error_col)
