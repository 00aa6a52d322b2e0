package lineage

import (
	"fmt"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ name, server, want string }{
		{"s3a://bucket/a/b.parquet", "", "s3://bucket a/b.parquet"},
		{"gs://bucket/a", "", "gs://bucket a"},
		{"hdfs://host:8020/a/b", "", "hdfs://host:8020 /a/b"},
		{"abfss://box@account.dfs.core.windows.net/a", "", "abfss://box@account.dfs.core.windows.net /a"},
		{"/data/a.csv", "", "file /data/a.csv"},
		{"file:///data/a.csv", "", "file /data/a.csv"},
		{"file:/data/a.csv", "", "file /data/a.csv"},
		{"db.reviews", "sc://host:15002", "sc://host:15002 db.reviews"},
	} {
		if d := OnSpark(c.name, c.server == "", c.server); d.Namespace+" "+d.Name != c.want {
			t.Errorf("%s is %s %s, not %s", c.name, d.Namespace, d.Name, c.want)
		}
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("/data/%d.csv", i))
	}
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{[]string{"-"}, "[{inmemory:// stdin []}]"},
		{[]string{"/data/dt=*/part-?.csv", "/data/x"}, "[{file /data []} {file /data/x []}]"},
		{many, "[{file /data []}]"},
		{[]string{"/*.csv"}, "[{file / []}]"},
	} {
		if got := fmt.Sprint(Files(c.paths)); got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
}
