package localspark

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteProperties(t *testing.T) {
	folder := t.TempDir()
	defaults := filepath.Join(folder, "spark-defaults.conf")
	if err := os.WriteFile(defaults, []byte("spark.sql.shuffle.partitions 7\nspark.ends.badly x\\"), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "server.properties")
	// Characters that java.util.Properties reads as the end of a key, a comment or
	// an escape.
	err := writeProperties(path, defaults, map[string]string{"b": ` C:\dir #1! a=b`, "a.key": "two\nlines\tand é", "a key": ""})
	if err != nil {
		t.Fatal(err)
	}
	const want = "spark.sql.shuffle.partitions 7\nspark.ends.badly x\n" + `a\ key=` + "\n" + `a.key=two\nlines\tand\ é` + "\n" + `b=\ C\:\\dir\ \#1\!\ a\=b` + "\n"
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("got\n%s%v, want\n%s", got, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("other users can read the file: %v, %v", info.Mode(), err)
	}
	if err := writeProperties(path, filepath.Join(folder, "absent"), nil); err != nil {
		t.Error(err)
	}
	if err := writeProperties(path, folder, nil); err == nil || !strings.Contains(err.Error(), "Spark's settings") {
		t.Errorf("unreadable settings: %v", err)
	}
}

func TestTokenIsNoSetting(t *testing.T) {
	_, err := Start(t.Context(), Options{Conf: map[string]string{"spark.connect.authenticate.token": "mine"}})
	if err == nil || !strings.Contains(err.Error(), "spark.connect.authenticate.token must not be set") || strings.Contains(err.Error(), "mine") {
		t.Error(err)
	}
}
