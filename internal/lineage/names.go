package lineage

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// mostInputs is the number of inputs from which on their folders are listed instead.
const mostInputs = 32

// Standard input and output are datasets that nothing else reads.
const memory = "inmemory://"

// Files names the files, folders and patterns that a command reads here, as datasets of the local file system. "-" is standard input. A pattern is
// named by its folder, and so are many files.
func Files(paths []string) []Dataset {
	var all []Dataset
	for _, path := range paths {
		d := File(path, "stdin")
		if at := strings.IndexAny(d.Name, "*?["); at >= 0 && d.Namespace != memory {
			d.Name = folder(d.Name[:at])
		}
		if len(paths) > mostInputs && d.Namespace != memory {
			d.Name = folder(d.Name)
		}
		if !slices.ContainsFunc(all, func(o Dataset) bool { return o.Namespace == d.Namespace && o.Name == d.Name }) {
			all = append(all, d)
		}
	}
	return all
}

// folder is the path up to the last slash.
func folder(path string) string {
	if at := strings.LastIndexByte(path, '/'); at > 0 {
		return path[:at]
	}
	return "/"
}

// File names a file or folder here. standard is the name of the stream that "-" or no path stands for.
func File(path, standard string) Dataset {
	if path == "" || path == "-" {
		return Dataset{Namespace: memory, Name: standard}
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return Dataset{Namespace: "file", Name: filepath.ToSlash(path)}
}

// OnSpark names a table, or a path if isPath is set, as Spark sees it. server is the address of the server, whose tables have it as their namespace.
func OnSpark(name string, isPath bool, server string) Dataset {
	if !isPath {
		return Dataset{Namespace: server, Name: name}
	}
	u, err := url.Parse(name)
	if err != nil || u.Scheme == "" || u.Scheme == "file" {
		return Dataset{Namespace: "file", Name: strings.TrimPrefix(strings.TrimPrefix(name, "file:"), "//")}
	}
	path := u.Path
	if slices.Contains([]string{"s3", "s3a", "s3n", "gs"}, u.Scheme) {
		path = strings.TrimPrefix(path, "/") // a key, not a path
	}
	scheme := u.Scheme
	if strings.HasPrefix(scheme, "s3") {
		scheme = "s3"
	}
	at := ""
	if u.User != nil { // the container of Azure's addresses
		at = u.User.Username() + "@"
	}
	return Dataset{Namespace: scheme + "://" + at + u.Host, Name: path}
}
