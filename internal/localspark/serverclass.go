package localspark

import (
	"archive/zip"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// serverClasses holds the server's main class and the classes that protect it.
// Their sources are in the folder server. The bytecode is that of Java 8 and the
// same for all versions of Spark.
//
//go:generate javac --release 8 -g:none -cp $SPARK_HOME/jars/* -d server server/Server.java server/TokenInterceptor.java server/FileServerGuard.java
//go:embed server/firesteel/*.class
var serverClasses embed.FS

const (
	serverClass = "firesteel.Server"
	// tokenVariable is the variable that Spark 4 reads; for Spark 3.5 Server.java
	// reads it.
	tokenVariable = "SPARK_CONNECT_AUTHENTICATE_TOKEN"
	tokenSetting  = "spark.connect.authenticate.token"
)

// eachClass calls visit with each class and its path in a jar.
func eachClass(visit func(name string, code []byte) error) error {
	return fs.WalkDir(serverClasses, "server", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		code, err := serverClasses.ReadFile(name)
		if err != nil {
			return err
		}
		return visit(strings.TrimPrefix(name, "server/"), code)
	})
}

// writeClasses writes the classes to dir.
func writeClasses(dir string) error {
	err := eachClass(func(name string, code []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, code, 0o600))
	})
	if err != nil {
		return fmt.Errorf("writing the server's classes: %w", err)
	}
	return nil
}

// writeJar writes a jar with the classes and, if connect is not empty, the
// content of that jar, the Connect server of Spark 3.5. It is the application's
// jar, which the driver loads in addition to the jars and class paths of the
// user's settings.
func writeJar(path, connect string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the server's jar: %w", err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	if connect != "" {
		if err := copyJar(w, connect); err != nil {
			return err
		}
	}
	err = eachClass(func(name string, code []byte) error {
		out, err := w.Create(name)
		if err == nil {
			_, err = out.Write(code)
		}
		return err
	})
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		return fmt.Errorf("writing the server's jar: %w", err)
	}
	return nil
}

func copyJar(w *zip.Writer, path string) error {
	r, err := zip.OpenReader(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer r.Close()
	for _, entry := range r.File {
		// Java's tools store folders as compressed entries of no content, which
		// Copy does not accept.
		if strings.HasSuffix(entry.Name, "/") {
			_, err = w.Create(entry.Name)
		} else {
			err = w.Copy(entry)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
