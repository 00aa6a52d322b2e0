package spark

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/uuid"
)

func TestServerReadWrite(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	dir := t.TempDir() // the server runs on this machine as this user
	d := s.Range(0, 4, 1, 1).WithColumn("p", Col("id").Mod(2)).WithColumn("name", Call("concat", "n,", Col("id")))
	for format, read := range map[string]func(DataFrameReader, string) *DataFrame{
		"parquet": func(r DataFrameReader, p string) *DataFrame { return r.Parquet(p) },
		"json":    func(r DataFrameReader, p string) *DataFrame { return r.JSON(p) },
		"csv": func(r DataFrameReader, p string) *DataFrame {
			return r.Option("header", "true").Schema("id BIGINT, name STRING, p BIGINT").CSV(p)
		},
	} {
		path := filepath.Join(dir, format)
		w := d.Write().Format(format).Option("header", "true").PartitionBy("p")
		if err := w.Save(ctx, path); err != nil {
			t.Fatal(err)
		}
		var e *Error
		if err := w.Save(ctx, path); !errors.As(err, &e) || e.Class != "PATH_ALREADY_EXISTS" {
			t.Errorf("%s, second write: %v", format, err)
		}
		if err := w.Mode("append").Save(ctx, path); err != nil {
			t.Fatal(err)
		}
		if err := w.Mode("ignore").Save(ctx, path); err != nil {
			t.Fatal(err)
		}
		back := read(s.Read(), path)
		expect(t, one(t, back.GroupBy().Agg(Call("count", 1), Sum(Col("id")), Max(Col("name")))), []any{int64(8), int64(12), "n,3"})
		if err := w.Mode("overwrite").Save(ctx, path); err != nil {
			t.Fatal(err)
		}
		if n, err := read(s.Read(), path).Count(ctx); n != 4 || err != nil {
			t.Errorf("%s: %d rows after overwrite, %v", format, n, err)
		}
		if folders, _ := filepath.Glob(filepath.Join(path, "p=*")); len(folders) != 2 {
			t.Errorf("%s: partitions %v", format, folders)
		}
	}
	if err := d.Write().Format("noop").Mode("overwrite").Save(ctx, ""); err != nil {
		t.Error(err)
	}
	if err := d.Write().Mode("upsert").Save(ctx, dir); err == nil || !strings.Contains(err.Error(), "upsert") {
		t.Error(err)
	}
	table := "w_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := d.Write().SaveAsTable(ctx, table); err != nil {
		t.Fatal(err)
	}
	defer s.SQL(ctx, "DROP TABLE "+table)
	if n, err := s.Table(table).Count(ctx); n != 4 || err != nil {
		t.Error(n, err)
	}
}

type person struct {
	ID      int64 `spark:"id"`
	Name    *string
	Tags    []string
	Score   float64
	Born    time.Time
	Address struct {
		City string
		Zip  *int32
	}
	Counts map[string]int64
	Raw    []byte
	Took   time.Duration
	Skip   chan int `spark:"-"`
}

func TestServerLocalRows(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	name := "Ann"
	people := []person{
		{ID: 1, Name: &name, Tags: []string{"a", "b"}, Score: 1.5, Took: 26 * time.Hour, Born: time.UnixMicro(1_700_000_000_123_456).UTC(), Counts: map[string]int64{"x": 1}, Raw: []byte{1}},
		{ID: 2, Born: time.Unix(0, 0).UTC()},
	}
	people[0].Address.City = "Oslo"
	d, err := s.CreateDataFrame(ctx, people)
	if err != nil {
		t.Fatal(err)
	}
	got, err := CollectAs[person](ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, got, people)
	schema, err := d.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := "id BIGINT NOT NULL,Name STRING,Tags ARRAY<STRING>,Score DOUBLE NOT NULL,Born TIMESTAMP NOT NULL,Address STRUCT<City: STRING NOT NULL, Zip: INT> NOT NULL,Counts MAP<STRING, BIGINT>,Raw BINARY,Took INTERVAL DAY TO SECOND NOT NULL"; schema.DDL() != want {
		t.Errorf("schema\n%s\nwant\n%s", schema.DDL(), want)
	}
	if err := d.CreateOrReplaceTempView(ctx, "people"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Table("people").Where(Col("Address.City").Eq("Oslo")).Count(ctx); n != 1 || err != nil {
		t.Error(n, err)
	}
	empty, err := s.CreateDataFrame(ctx, []person{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := empty.Count(ctx); n != 0 || err != nil {
		t.Error(n, err)
	}
	if _, err := s.CreateDataFrame(ctx, []struct{ C chan int }{{}}); err == nil {
		t.Error("a channel is accepted as a column")
	}
}

func TestServerManyLocalRows(t *testing.T) {
	s := connectServer(t, "")
	ctx := t.Context()
	const rows = 60_000
	b := array.NewRecordBuilder(s.config.allocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}}, nil))
	defer b.Release()
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.StringBuilder).Append(strings.Repeat("x", i%100))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	table := array.NewTableFromRecords(batch.Schema(), []arrow.RecordBatch{batch})
	defer table.Release()
	for _, source := range []any{batch, table} {
		d, err := s.CreateDataFrame(ctx, source)
		if err != nil {
			t.Fatal(err)
		}
		if d.relation.GetLocalRelation() != nil {
			t.Error("the rows were not uploaded")
		}
		expect(t, one(t, d.GroupBy().Agg(Count(Col("text")), Sum(Col("id")), Sum(Call("length", Col("text"))))),
			[]any{int64(rows), int64(rows) * (rows - 1) / 2, int64(rows / 100 * 4950)})
	}
	// The rows come back in batches.
	d, err := s.CreateDataFrame(ctx, batch)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for b, err := range d.Batches(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		n += b.NumRows()
	}
	if n != rows {
		t.Errorf("%d rows were read", n)
	}
}

func TestServerArtifacts(t *testing.T) {
	id := uuid.NewString()
	s := connectServer(t, "/;session_id="+id)
	ctx := t.Context()
	data := make([]byte, 3*chunkSize+17)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	name, err := s.CacheArtifact(ctx, data)
	if err != nil {
		t.Fatal(err)
	}
	exists, err := s.ArtifactExists(ctx, name, "cache/"+strings.Repeat("0", 64))
	if err != nil || !exists[name] || exists["cache/"+strings.Repeat("0", 64)] {
		t.Error(exists, err)
	}
	for _, want := range []bool{false, true} {
		if already, err := s.AddFile(ctx, ArtifactFromBytes([]byte("hello")), "greeting.txt", nil); already != want || err != nil {
			t.Fatal(already, err)
		}
	}
	// The message differs between versions of Spark.
	if _, err := s.AddFile(ctx, ArtifactFromBytes([]byte("bye")), "greeting.txt", nil); err == nil || !strings.Contains(err.Error(), "files/greeting.txt") {
		t.Errorf("other content under the same name: %v", err)
	} else {
		t.Log(err)
	}
	path := filepath.Join(t.TempDir(), "a.tar.gz")
	if err := os.WriteFile(path, emptyTarGz, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := ArtifactFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var seen []int64
	progress := func(done, total int64) { seen = append(seen, done, total) }
	if already, err := s.AddArchive(ctx, file, "a.tar.gz#a", progress); already || err != nil {
		t.Fatal(already, err)
	}
	if size := int64(len(emptyTarGz)); !slices.Equal(seen, []int64{size, size}) {
		t.Errorf("progress %v", seen)
	}
	// Another client of the same session finds the file.
	other := connectServer(t, "/;session_id="+id)
	if already, err := other.AddArchive(ctx, file, "a.tar.gz#a", nil); !already || err != nil {
		t.Error(already, err)
	}
}

// emptyTarGz is an archive without files.
var emptyTarGz = []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xf7Om\x0e7\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x80w\x03\x9a\xde\x1d'\x00\x28\x00\x00")
