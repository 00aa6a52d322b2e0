package spark

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

func TestErrorDetails(t *testing.T) {
	f := newFake(t)
	f.details = &pb.FetchErrorDetailsResponse{
		RootErrorIdx: proto.Int32(0),
		Errors: []*pb.FetchErrorDetailsResponse_Error{
			{
				ErrorTypeHierarchy: []string{"org.apache.spark.SparkException", "java.lang.Exception"},
				Message:            "[FAILED_EXECUTE_UDF] User defined function failed. SQLSTATE: 39000; line 1 pos 7",
				CauseIdx:           proto.Int32(1),
				StackTrace:         []*pb.FetchErrorDetailsResponse_StackTraceElement{{DeclaringClass: "a.B", MethodName: "c", FileName: proto.String("B.scala"), LineNumber: 7}},
				SparkThrowable: &pb.FetchErrorDetailsResponse_SparkThrowable{
					ErrorClass: proto.String("FAILED_EXECUTE_UDF"), SqlState: proto.String("39000"), MessageParameters: map[string]string{"f": "g"}},
			},
			// A cause that refers to itself must not cause an endless loop.
			{ErrorTypeHierarchy: []string{"java.lang.Error"}, Message: "why", CauseIdx: proto.Int32(1)},
		},
	}
	f.execute = func(int, func(int, int), context.Context) error {
		return sparkError(codes.Internal, "cut off ...", "FAILED_EXECUTE_UDF", map[string]string{"errorId": "e1"})
	}
	s, _ := f.start(t, "")
	_, err := s.Table("t").Collect(t.Context())
	var e *Error
	if !errors.As(fmt.Errorf("wrapped: %w", err), &e) {
		t.Fatalf("%T", err)
	}
	if want := "[FAILED_EXECUTE_UDF] User defined function failed.; line 1 pos 7 (SQLSTATE 39000)"; e.Error() != want {
		t.Errorf("got  %s\nwant %s", e.Error(), want)
	}
	if e.JavaClass != "org.apache.spark.SparkException" || e.Parameters["f"] != "g" || e.Code != codes.Internal {
		t.Errorf("%+v", e)
	}
	if !reflect.DeepEqual(e.StackTrace, []string{"a.B.c(B.scala:7)"}) {
		t.Errorf("%q", e.StackTrace)
	}
	if len(e.Causes) != maxCauses-1 || e.Causes[0].Message != "why" || e.Causes[0].JavaClass != "java.lang.Error" {
		t.Errorf("%d causes", len(e.Causes))
	}
	// Indices out of bounds, and a server that does not answer.
	f.details.RootErrorIdx = proto.Int32(9)
	if _, err := s.Table("t").Collect(t.Context()); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Error(err)
	}
	f.details = nil
	if _, err := s.Table("t").Collect(t.Context()); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Error(err)
	}
}

func TestSummary(t *testing.T) {
	for text, want := range map[string]Error{
		"plain":                {Message: "plain"},
		"[A_B.C] text":         {Class: "A_B.C", Message: "text"},
		"[1, 2] is no array":   {Message: "[1, 2] is no array"},
		"java.lang.Error: why": {Message: "why"},
		"(org.apache.spark.sql.AnalysisException) [X] no such column":                         {Class: "X", Message: "no such column"},
		"[X] no table; line 1 pos 14;\n'Project [*]\n+- 'UnresolvedRelation [t], [], false\n": {Class: "X", Message: "no table; line 1 pos 14"},
		"[X] first.\nSecond line. SQLSTATE: 42P01":                                            {Class: "X", SQLState: "42P01", Message: "first.\nSecond line."},
		"Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times, most recent failure: Lost task 0.3 in stage 3.0 (TID 9) (host executor driver): org.apache.spark.api.python.PythonException: the model is gone\n\tat org.apache.spark.X.y(X.scala:1)\n\nDriver stacktrace:": {Message: "the model is gone"},
	} {
		e := &Error{Detail: text}
		e.Message = e.summary()
		if e.Message != want.Message || e.Class != want.Class || e.SQLState != want.SQLState {
			t.Errorf("%q gives class %q, state %q, message %q", text, e.Class, e.SQLState, e.Message)
		}
	}
}

func TestUnknownFunction(t *testing.T) {
	f := newFake(t)
	var message string
	f.execute = func(int, func(int, int), context.Context) error {
		return sparkError(codes.Internal, message, "UNRESOLVED_ROUTINE", nil)
	}
	s, _ := f.start(t, "")
	for _, c := range []struct{ message, want string }{
		// The messages of Spark 3.5, and of 4.0 and later.
		{"[UNRESOLVED_ROUTINE] Cannot resolve function `ai_clasify` on search path [`system`.`builtin`].", "Did you mean ai_classify?"},
		{"[UNRESOLVED_ROUTINE] Cannot resolve routine `TRY_ai_msk` on search path [`system`.`builtin`]. SQLSTATE: 42883", "Did you mean try_ai_mask?"},
		{"[UNRESOLVED_ROUTINE] Cannot resolve routine `main`.`default`.`ai_mask` on search path [`x`].", "spark.WithModel"},
		{"[UNRESOLVED_ROUTINE] Cannot resolve routine `ai_forecast_of_weather` on search path [`x`].", "'firesteel functions' lists"},
		{"[UNRESOLVED_ROUTINE] Cannot resolve routine `uper` on search path [`x`].", "path [`x`]."},
		{"[UNRESOLVED_ROUTINE] as it may be worded some day", "some day"},
	} {
		message = c.message
		_, err := s.Table("t").Collect(t.Context())
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Error(), c.want) || e.Hint != "" && !strings.HasSuffix(e.Error(), "\n  "+e.Hint) {
			t.Errorf("%s: %v, want %s", c.message, err, c.want)
		} else if !strings.Contains(c.message, "ai_") && e.Hint != "" {
			t.Errorf("the error for another function has a hint: %v", err)
		}
	}
}
