package pii

// contents is a set of characters that a text has.
type contents uint8

const (
	hasDigits contents = 1 << iota
	hasLetters
	hasCapitals
	hasDot
	hasColon
	hasDash
	hasAt
	notASCII
)

// contentClasses holds the contents that a byte or a cell belongs to.
var contentClasses = func() (all [256]contents) {
	for i := range all {
		switch c := byte(i); {
		case isDigit(c):
			all[i] = hasDigits
		case isUpper(c):
			all[i] = hasLetters | hasCapitals
		case isLetter(c):
			all[i] = hasLetters
		case c == '.':
			all[i] = hasDot
		case c == ':':
			all[i] = hasColon
		case c == '-':
			all[i] = hasDash
		case c == '@':
			all[i] = hasAt
		case c >= latin:
			all[i] = notASCII
		}
	}
	return all
}()

// contentsOf returns the contents of a text. Those of a text that is not ASCII are
// not complete; see cells.contents.
func contentsOf(text string) (has contents) {
	for i := range len(text) {
		has |= contentClasses[text[i]]
	}
	return has
}

func (t *cells) contents() (has contents) {
	for _, c := range t.c {
		has |= contentClasses[c]
	}
	return has
}

// mayHave reports whether a text with these contents may have a match of a
// wanted kind.
func mayHave(has contents, wanted [numKinds]bool) bool {
	if wanted[Email] && has&hasAt != 0 {
		return true
	}
	for k := range recognisers {
		if r := &recognisers[k]; wanted[r.kind] && has&r.some != 0 {
			return true
		}
	}
	return false
}

// finder finds the spans of some kinds in a text.
type finder struct {
	cells *cells
	has   contents
	found []span
}

const maxRecognisers = 32

// find adds the findings of the wanted kinds. Those of one kind do not depend on
// other kinds.
func (f *finder) find(wanted [numKinds]bool) {
	var active [maxRecognisers]*recogniser
	n, digits := 0, -1
	starts, reach := startSet(0), 0
	for k := range recognisers {
		r := &recognisers[k]
		if !wanted[r.kind] || f.has&r.some == 0 {
			continue
		}
		if r.digits > 0 && digits < 0 {
			digits = f.cells.countDigits()
		}
		if r.digits > 0 && r.digits > digits {
			continue
		}
		active[n] = r
		n++
		starts |= r.starts
		switch {
		case r.starts&(letter|otherLetter) == 0:
		case r.reach == 0:
			reach = len(f.cells.c)
		default:
			reach = max(reach, r.reach)
		}
	}
	if n > 0 {
		f.scan(active[:n], starts, reach)
	}
	if wanted[Email] && f.has&hasAt != 0 {
		f.found = append(f.found, findEmails(f.cells)...)
	}
}

// scan calls recognisers at each cell where one of them may start. A match that
// starts with a letter has a digit within reach cells.
func (f *finder) scan(active []*recogniser, starts startSet, reach int) {
	t := f.cells
	var lastEnd [numKinds]int        // the end of each kind's last finding
	before, nextDigit := byte(0), -1 // nextDigit is the first digit at or after i
	for i, c := range t.c {
		at := startClasses[c]
		within := at&(digit|letter) != 0 && isAlnum(before)
		before = c
		if at&starts == 0 || within {
			continue
		}
		if nextDigit < i {
			for nextDigit = i; nextDigit < len(t.c) && !isDigit(t.c[nextDigit]); {
				nextDigit++
			}
		}
		letters := at&(letter|otherLetter) != 0
		if letters && nextDigit-i > reach {
			continue
		}
		for _, r := range active {
			if r.starts&at == 0 || i < lastEnd[r.kind] || letters && r.reach > 0 && nextDigit-i > r.reach {
				continue
			}
			if end, score := r.read(t, i); end > i {
				f.found = append(f.found, span{i, end, r.kind, score})
				lastEnd[r.kind] = end
			}
		}
	}
}

// mayHide returns the kinds, other than the wanted, that may hide a finding with
// a score. A URL or e-mail address hides the findings within it only if its own
// kind is wanted.
func mayHide(wanted [numKinds]bool, score float64) (hide [numKinds]bool) {
	for k := range recognisers {
		r := &recognisers[k]
		hide[r.kind] = !wanted[r.kind] && r.best >= score-1e-9 && r.kind != URL
	}
	return hide
}

func (t *cells) countDigits() int {
	n := 0
	for _, c := range t.c {
		if isDigit(c) {
			n++
		}
	}
	return n
}
