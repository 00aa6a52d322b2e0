package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/udf"
)

type named struct {
	ID   int64  `spark:"id"`
	Name string `spark:"name"`
}

func declareTestFunctions() {
	udf.Func("user_shout", func(_ context.Context, in []string) ([]string, error) {
		out := make([]string, len(in))
		for i, text := range in {
			if text == "boom" {
				panic("this word is too loud")
			}
			out[i] = strings.ToUpper(text)
		}
		return out, nil
	})
	udf.Func("user_tiny", func(_ context.Context, in []int8) ([]int8, error) { return in, nil })
	udf.Func("user_named", func(_ context.Context, in []named) ([]*string, error) {
		out := make([]*string, len(in))
		for i, n := range in {
			text := fmt.Sprintf("%d:%s", n.ID, n.Name)
			out[i] = &text
		}
		return out, nil
	})
	udf.Func("user_ask", func(ctx context.Context, in []string) ([]string, error) {
		model, err := udf.Model(ctx)
		if err != nil {
			return nil, err
		}
		requests := make([]llm.Request, len(in))
		for i, text := range in {
			requests[i] = llm.Request{Text: text, Constraint: llm.Choice{Labels: []string{"yes", "no"}}}
		}
		results, err := model.Do(ctx, requests)
		out := make([]string, len(results))
		for i, r := range results {
			out[i] = r.Text
		}
		return out, err
	})
	udf.Aggregate("user_longest", func(_ context.Context, group []string) (string, error) {
		longest := ""
		for _, text := range group {
			if text == "boom" {
				panic("this word is too loud")
			}
			if len(text) > len(longest) {
				longest = text
			}
		}
		return longest, nil
	})
	udf.Aggregate("user_count", func(_ context.Context, group []*string) (int, error) { return len(group), nil })
	// user_meet returns when the maximum number of groups is computed at the same time.
	var asked atomic.Int32
	all := make(chan struct{})
	udf.Aggregate("user_meet", func(context.Context, []string) (string, error) {
		if asked.Add(1) == maxGroups {
			close(all)
		}
		select {
		case <-all:
			return "met", nil
		case <-time.After(time.Minute):
			return "", errors.New("the others do not come")
		}
	})
	// user_twice returns each row twice, and at the end the number of rows.
	udf.Map("user_twice", func(_ context.Context, in iter.Seq[[]named], emit func([]named) error) error {
		n := 0
		for rows := range in {
			for _, r := range rows {
				if r.Name == "stop" {
					return nil
				}
				if r.Name == "boom" {
					return errors.New("a row says boom")
				}
			}
			n += len(rows)
			if err := emit(append(rows, rows...)); err != nil {
				return err
			}
		}
		return emit([]named{{int64(n), "rows"}})
	})
}

func TestUserFunctions(t *testing.T) {
	batch := textBatch("a", nil, "c")
	stream := arrowBytes(t, batch.Schema(), batch, textBatch(), textBatch(nil))
	for _, version := range versions {
		f := serveProcess(t, version, nil, "")
		s := f.connect(t, version)
		a := s.do(request{functions: []functionCall{
			call([]int{0}, hostCall("user_shout")),
			call([]int{0}, hostCall("USER_SHOUT"), hostCall("test_show")),
		}}, stream)
		want := [][]any{{"A", nil, "C", nil}, {"A", "(null)", "C", "(null)"}}
		if a.failure != "" || !a.reuse || !reflect.DeepEqual(a.columns, want) {
			t.Errorf("Spark %s: got %+v, want %v", version, a, want)
		}
	}
}

func TestUserFunctionRefused(t *testing.T) {
	batch := textBatch("boom", "x")
	stream := arrowBytes(t, batch.Schema(), batch)
	for _, c := range []struct {
		q    request
		want []string
	}{
		{ask(hostCall("user_shout"), 0), []string{"user_shout: panic: this word is too loud", "userfunction_test.go:"}},
		{ask(hostCall("user_named"), 0), []string{"user_named: the argument name is missing; call it as user_named(id BIGINT, name STRING): STRING"}},
		{ask(hostCall("user_named"), 0, 0), []string{"the argument id: it is STRING, but must be BIGINT (a Go int64); CAST it"}},
		{ask(hostCall("user_ask"), 0), []string{"the session has no model with the role text"}},
		{ask(hostCall("user_twice"), 0), []string{"user_twice is a map function, but Spark calls it as a scalar function"}},
		{request{evalType: 207, functions: []functionCall{call([]int{0}, hostCall("user_shout"))}}, []string{"user_shout is a scalar function, but"}},
		{request{evalType: 207, functions: []functionCall{call([]int{0}, hostCall("user_twice"))}}, []string{"Spark sent a column of utf8 instead of a column of rows"}},
	} {
		f := serveProcess(t, "4.3.0", nil, "")
		a := f.connect(t, "4.3.0").do(c.q, stream)
		for _, want := range c.want {
			if !strings.Contains(a.failure, want) {
				t.Errorf("the error is %q, and does not say %q", a.failure, want)
			}
		}
	}
}

// groupBytes writes groups of batches in the format of a version of Spark.
func groupBytes(t *testing.T, version string, groups ...[]arrow.RecordBatch) []byte {
	if version < "4.1" {
		var all []arrow.RecordBatch
		for _, g := range groups {
			all = append(all, g...)
		}
		return arrowBytes(t, all[0].Schema(), all...)
	}
	var o javaOut
	for _, g := range groups {
		o.putInt(1)
		o.Write(arrowBytes(t, g[0].Schema(), g...))
	}
	o.putInt(0)
	return o.Bytes()
}

func TestUserAggregate(t *testing.T) {
	q := request{evalType: 202, functions: []functionCall{call([]int{0}, hostCall("user_longest")), call([]int{0}, hostCall("user_count"))}}
	one := func(texts ...any) []arrow.RecordBatch { return []arrow.RecordBatch{textBatch(texts...)} }
	for _, version := range versions {
		f := serveProcess(t, version, nil, "")
		s := f.connect(t, version)
		groups := [][]arrow.RecordBatch{one("a", "bbb", "cc"), one(nil, "d"), one(nil, nil)}
		want := [][]any{{"bbb", "d", nil}, {"3", "2", "2"}}
		if version >= "4.1" { // a large group comes in parts
			groups = append(groups, append(one("e", "ff"), one("ggg", nil)...))
			want = [][]any{{"bbb", "d", nil, "ggg"}, {"3", "2", "2", "4"}}
		}
		// The results of more groups than the maximum are in order.
		for i := range 3 * maxGroups {
			text := fmt.Sprint("group ", i)
			groups = append(groups, one(text))
			want[0], want[1] = append(want[0], text), append(want[1], "1")
		}
		for range 2 {
			a := s.do(q, groupBytes(t, version, groups...))
			if a.failure != "" || !a.reuse || a.batches != len(groups) || !reflect.DeepEqual(a.columns, want) {
				t.Fatalf("Spark %s: got %+v, want %v", version, a, want)
			}
		}
		a := s.do(q, groupBytes(t, version, one("a"), one("b", "boom")))
		for _, want := range []string{"user_longest: panic: this word is too loud", "userfunction_test.go:"} {
			if !a.inArrow || !strings.Contains(a.failure, want) {
				t.Errorf("Spark %s: %+v does not say %q", version, a, want)
			}
		}
	}
}

// Several groups are computed at the same time.
func TestUserAggregateAtOnce(t *testing.T) {
	groups := make([][]arrow.RecordBatch, maxGroups)
	for i := range groups {
		groups[i] = []arrow.RecordBatch{textBatch("a")}
	}
	q := request{evalType: 202, functions: []functionCall{call([]int{0}, hostCall("user_meet"))}}
	a := serveProcess(t, "4.3.0", nil, "").connect(t, "4.3.0").do(q, groupBytes(t, "4.3.0", groups...))
	if len(a.columns) != 1 || len(a.columns[0]) != maxGroups {
		t.Errorf("got %+v", a)
	}
}

func TestUserAggregateRefused(t *testing.T) {
	batch := textBatch("x")
	group := groupBytes(t, "4.3.0", []arrow.RecordBatch{batch})
	f := serveProcess(t, "4.3.0", nil, "")
	longest := func(evalType int, commands ...bundle.Command) request {
		return request{evalType: evalType, functions: []functionCall{call([]int{0}, commands...)}}
	}
	for want, c := range map[string]struct {
		q      request
		stream []byte
	}{
		"user_longest: an aggregate of a program cannot be used over a window (OVER)":       {longest(203, hostCall("user_longest")), nil},
		"Spark calls several functions at once, one of which is an aggregate function":      {longest(202, hostCall("user_longest"), hostCall("user_longest")), group},
		"user_shout is a scalar function, but Spark calls it as an aggregate function":      {longest(202, hostCall("user_shout")), group},
		"input from Spark: a group has 2 streams, expected 1":                               {longest(202, hostCall("user_longest")), binary.BigEndian.AppendUint32(nil, 2)},
		"user_longest: it takes 1 argument, not 2; call it as user_longest(STRING): STRING": {request{evalType: 202, functions: []functionCall{call([]int{0, 0}, hostCall("user_longest"))}}, group},
		"user_longest: argument 1 is column 1, but the batch from Spark has 1 columns":      {request{evalType: 202, functions: []functionCall{call([]int{1}, hostCall("user_longest"))}}, group},
	} {
		if a := f.connect(t, "4.3.0").do(c.q, c.stream); !strings.Contains(a.failure, want) {
			t.Errorf("the error is %q, and does not say %q", a.failure, want)
		}
	}
}

func TestUserFunctionByName(t *testing.T) {
	f := serveProcess(t, "4.3.0", nil, "")
	c := call([]int{1, 0}, hostCall("user_named"))
	c.args[0].name, c.args[1].name = "NAME", "id"
	ids := fromJSON(t, memory.DefaultAllocator, arrow.PrimitiveTypes.Int32, `[7, null]`)
	batch := batchOf(ids, textBatch("x", "y").Column(0))
	a := f.connect(t, "4.3.0").do(request{functions: []functionCall{c}}, arrowBytes(t, batch.Schema(), batch))
	if !reflect.DeepEqual(a.columns, [][]any{{"7:x", nil}}) {
		t.Errorf("got %+v", a)
	}
}

func TestUserFunctionAsksTheModel(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	f := serveProcess(t, "4.3.0", m.Models, root)
	batch := textBatch("one", nil)
	a := f.connect(t, "4.3.0").do(ask(hostCall("user_ask"), 0), arrowBytes(t, batch.Schema(), batch))
	if !reflect.DeepEqual(a.columns, [][]any{{"yes", nil}}) {
		t.Errorf("got %+v", a)
	}
}

// A map function returns other rows than it gets. Both are columns of structs.
func TestUserMap(t *testing.T) {
	of := arrow.StructOf(
		arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	rows := func(json string) arrow.RecordBatch { return batchOf(fromJSON(t, memory.DefaultAllocator, of, json)) }
	first := rows(`[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]`)
	ask := request{evalType: 207, functions: []functionCall{call([]int{0}, hostCall("user_twice"))}}
	for _, version := range versions {
		f := serveProcess(t, version, nil, "")
		s := f.connect(t, version)
		a := s.do(ask, arrowBytes(t, first.Schema(), first, rows(`[{"id": 3, "name": "c"}]`)))
		want := []any{
			`{"id":1,"name":"a"}`, `{"id":2,"name":"b"}`, `{"id":1,"name":"a"}`, `{"id":2,"name":"b"}`,
			`{"id":3,"name":"c"}`, `{"id":3,"name":"c"}`, `{"id":3,"name":"rows"}`,
		}
		if a.failure != "" || !a.reuse || !reflect.DeepEqual(a.columns, [][]any{want}) || a.names[0] != "_0" {
			t.Errorf("Spark %s: got %+v", version, a)
		}
		// The worker reads the rows that the function does not read.
		a = s.do(ask, arrowBytes(t, first.Schema(), first, rows(`[{"id": 4, "name": "stop"}]`), first, first))
		if len(a.columns) != 1 || len(a.columns[0]) != 4 || !a.reuse {
			t.Errorf("Spark %s, an early end: got %+v", version, a)
		}
		a = s.do(ask, arrowBytes(t, first.Schema(), first, rows(`[{"id": 4, "name": "boom"}]`)))
		if !a.inArrow || !strings.Contains(a.failure, "user_twice: a row says boom") {
			t.Errorf("Spark %s, an error: got %+v", version, a)
		}
		a = f.connect(t, version).do(ask, arrowBytes(t, first.Schema(), rows(`[{"id": null, "name": "x"}]`)))
		if want := "the argument id, row 0 of the batch: the value is NULL, which the Go type int64 cannot hold; use *int64"; !strings.Contains(a.failure, want) {
			t.Errorf("Spark %s, NULL: %q does not say %q", version, a.failure, want)
		}
	}
}
