package files

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files that fastavro wrote with all types and codecs have the values of the script.
func TestAvro(t *testing.T) {
	want := strings.Join([]string{
		`bool bool, int int32, long int64, float float32, double float64, string utf8, bytes binary, fixed fixed_size_binary[2], enum utf8` +
			`, list list<item: int32, nullable>, map map<utf8, int64, items_non_nullable>, record struct<x: utf8, y: list<item: fixed_size_binary[2]>>, again struct<x: utf8, y: list<item: fixed_size_binary[2]>>, decimal decimal(10, 2), decimal_fixed decimal(38, 3)` +
			`, date date32, time_millis time32[ms], time_micros time64[us], ts_millis timestamp[ms, tz=UTC], ts_micros timestamp[us, tz=UTC], ts_nanos timestamp[ns, tz=UTC], local_millis timestamp[ms], local_micros timestamp[us]` +
			`, uuid utf8, duration fixed_size_binary[12], number int64, real float64, union struct<member0: int32 nullable, member1: utf8 nullable, member2: struct<x: utf8, y: list<item: fixed_size_binary[2]>> nullable>`,
		`true|-2147483648|9223372036854775807|0.5|0.1|"ä"|"AP8="|"AQI="|"B"|[1,null]|{"a":-2,"b":1}` +
			`|{"x":"A","y":["YWI="]}|{"x":"B","y":[]}|-1.50|12345678901234567890123456789012345.678|"2026-01-31"|"12:30:45.123"|"12:30:45.123456"|"2026-01-31T12:30:45.123Z"|"2026-01-31T12:30:45.123456Z"|"2026-01-31T12:30:45.123456789Z"|"2026-01-31T12:30:45.123"|"2026-01-31T12:30:45.123456"` +
			`|"00112233-4455-6677-8899-aabbccddeeff"|"AQAAAAIAAAADAAAA"|7|0.1|{"member0":null,"member1":"x","member2":null}`,
		`false|null|null|"Infinity"|"NaN"|null|""|"AAA="|"A"|[]|{}` +
			`|null|{"x":"A","y":["eHk=","eno="]}|99999999.99|null|"0001-01-01"|"00:00:00.000"|"23:59:59.999999"|"1900-01-01T00:00:00Z"|null|"1969-12-31T23:59:59.999999999Z"|"0001-01-01T00:00:00"|"9999-12-31T23:59:59.999999"` +
			`|"00000000-0000-0000-0000-000000000000"|"////////////////"|1099511627776|null|null`,
	}, "\n")
	for _, codec := range []string{"null", "deflate", "snappy", "zstandard"} {
		got, err := table(t, filepath.Join("testdata", "avro", codec+".avro"), ReadOptions{Rows: 1})
		if err != nil {
			t.Fatal(codec, err)
		}
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", codec, got, want)
		}
	}
}

// No change of a byte of an Avro file causes a panic, and an error names the file. Truncated files are errors, except at the end of a block.
func TestDamagedAvro(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "avro", "deflate.avro"))
	if err != nil {
		t.Fatal(err)
	}
	rejected, complete := 0, 0
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0xff
		if _, err := table(t, save(t, "a.avro", string(damaged)), ReadOptions{}); err != nil {
			if rejected++; !strings.Contains(err.Error(), "a.avro") {
				t.Errorf("%v: does not name the file", err)
			}
		}
		if _, err := table(t, save(t, "a.avro", string(whole[:i])), ReadOptions{}); err == nil {
			complete++
		}
	}
	if rejected < len(whole)/2 || complete != 2 {
		t.Errorf("%d of %d damaged files were rejected; %d truncated files were read", rejected, len(whole), complete)
	}
}

// Schemas that are no table, and blocks that state more than they have, are errors.
func TestAvroErrors(t *testing.T) {
	text := func(s string) string { return string(binary.AppendVarint(nil, int64(len(s)))) + s }
	file := func(schema, blocks string) string {
		return avroHead + "\x02" + text("avro.schema") + text(schema) + "\x00" + "0123456789abcdef" + blocks
	}
	long := func(n int64) string { return string(binary.AppendVarint(nil, n)) }
	row := `{"type": "record", "name": "r", "fields": [{"name": "a", "type": "string"}]}`
	list := `{"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "array", "items": "null"}}]}`
	for _, c := range []struct{ content, want string }{
		{"", "is not an Avro file"},
		{"PAR1", "is not an Avro file"},
		{file(`"int"`, ""), "its rows are of the Avro type int"},
		{file(`{"type": "record", "name": "r", "fields": [{"name": "next", "type": ["null", "r"]}]}`, ""), "field next: the record r contains itself"},
		{file(row, long(1)+long(1<<40)), "exceeds safety limit"},
		{file(row, long(1<<40)+long(2)+"\x02x0123456789abcdef"), "claims 1099511627776 records"},
		{file(row, long(1)+long(5)+long(1<<30)+"0123456789abcdef"), "after row 0"},
		{file(row, long(1)+long(2)+"\x02x0123456789abcdeX"), "sync marker mismatch"},
		{file(row, long(1)+long(2)+"\x02\xff0123456789abcdef"), "a text is not UTF-8"},
		{file(row, long(1)+long(2)+"\x02"), "is truncated after row 0"},
		{file(list, long(1)+long(6)+long(1<<33)+"\x000123456789abcdef"), "after row 0"},
	} {
		if got, err := table(t, save(t, "a.avro", c.content), ReadOptions{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "a.avro") {
			t.Errorf("%q: %v (%q), want %q", c.content, err, got, c.want)
		}
	}
	if _, err := FormatOf("out.avro"); err == nil || !strings.Contains(err.Error(), "read only") {
		t.Error(err)
	}
}

// FuzzAvro reads any bytes.
func FuzzAvro(f *testing.F) {
	for _, codec := range []string{"null", "deflate", "snappy", "zstandard"} {
		content, err := os.ReadFile(filepath.Join("testdata", "avro", codec+".avro"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		batch, _, err := readBytes(t, bytes.NewReader(content), ReadOptions{Format: Avro})
		if err == nil && batch != nil {
			batch.Release()
		}
	})
}
