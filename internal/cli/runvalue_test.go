package cli

import (
	"strings"
	"testing"
)

// A value that cannot be computed ends the run; the error names the row, and hides its content.
func TestRunValueErrors(t *testing.T) {
	in := file(t, "in.csv", "id,n,note\n1,5,7\n2,0,eight\n3,2,9\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--where", "10 / n > 1"}, "row 2: a division by zero; NULLIF(divisor, 0) gives NULL instead [DIVIDE_BY_ZERO]"},
		{[]string{"--add", "x=CAST(note AS INT)"}, "row 2: [5 characters hidden] is no INT; write it as digits, or use TRY_CAST, which gives NULL [CAST_INVALID_INPUT]"},
		{[]string{"--where", "id > 1", "--add", "x=n + 9223372036854775807"}, "row 3: the sum does not fit BIGINT"},
		{[]string{"--group-by", "n", "--where", "10 / n > 1"}, "a division by zero"},
	} {
		status, out, errs := do(append([]string{"run", in, "--output-format", "csv"}, c.args...)...)
		if status != exitFailed || !strings.Contains(errs, c.want) || strings.Contains(errs, "eight") {
			t.Errorf("%q: exit code %d\n%s%s\nwant %s", c.args, status, out, errs, c.want)
		}
	}
	status, out, errs := do("run", in, "--output-format", "csv", "--where", "n <> 0 AND 10 / n > 1", "--add", "x=TRY_CAST(note AS INT) * 2", "--add", "d=DATE'2026-01-31' + INTERVAL 1 MONTH", "--add", "r=note RLIKE '^[0-9]$'")
	if want := "id,n,note,x,d,r\n1,5,7,14,2026-02-28,true\n3,2,9,18,2026-02-28,true\n"; status != exitOK || out != want {
		t.Errorf("exit code %d\n%s%s", status, out, errs)
	}
}
