package inprocess

import (
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// Prune declares what a plan needs of its input: the columns that it reads or writes, and the parts of the table in which the
// condition may be true. It precedes the first batch.
func Prune(in files.Reader, plan *job.Plan) error {
	if g, ok := in.(*Groups); ok {
		return g.prune()
	}
	p := files.Pruning{}
	if plan.Sample == nil { // a sample hashes all columns
		p.Columns = []string{}
		for _, i := range plan.Pass {
			p.Columns = append(p.Columns, plan.Input.Field(i).Name)
		}
		for _, e := range plan.Expressions() {
			p.Columns = append(p.Columns, e.Columns()...)
		}
	}
	return files.Prune(in, choosing(p, plan.Where))
}

// choosing adds a condition to what is needed; nil keeps all rows.
func choosing(p files.Pruning, where *sqlexpr.Bound) files.Pruning {
	if where == nil || !where.CanExclude() {
		return p
	}
	p.Asks = where.Columns()
	p.Skip = func(bounds func(string) files.Bounds) bool {
		return where.Excludes(func(column string) sqlexpr.Bounds { return sqlexpr.Bounds(bounds(column)) })
	}
	return p
}

// prune declares the columns of groups, of the lists in use and of the condition.
func (g *Groups) prune() error {
	var p files.Pruning
	input := g.in.Schema()
	for _, i := range g.by {
		p.Columns = append(p.Columns, input.Field(i).Name)
	}
	for _, l := range g.lists {
		if l.used {
			p.Columns = append(p.Columns, input.Field(l.column).Name)
		}
	}
	if g.where != nil {
		p.Columns = append(p.Columns, g.where.Columns()...)
	}
	if p.Columns == nil {
		p.Columns = []string{}
	}
	return files.Prune(g.in, choosing(p, g.where))
}

// Skipped returns what the input of a job skipped so far because of Prune, and the number of rows in it, if they are rows of the
// job and their number is known.
func Skipped(in files.Reader) (unread job.Unread, rows int64) {
	if g, ok := in.(*Groups); ok {
		in = g.in
		defer func() { rows = 0 }()
	}
	s := files.Skipped(in)
	return job.Unread{Files: s.Files, OfFiles: s.OfFiles, Groups: s.Groups, OfGroups: s.OfGroups}, s.Rows
}
