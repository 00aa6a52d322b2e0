package pii

// findEmails finds e-mail addresses (RFC 5321, with the letters of RFC 6531).
// It reads in both directions from each @: a dot-atom or a quoted string before
// it, a host name or an IP address in brackets after it. An atom may contain the
// characters = ? / and |, but here they end the address, because in running text
// they are separators ("?mail=ann@example.com").
func findEmails(t *cells) []span {
	var found []span
	previous := 0 // the end of the last address
	for i := range t.c {
		if t.c[i] != '@' {
			continue
		}
		end := readMailHost(t, i+1)
		if end == 0 {
			continue
		}
		start := localStart(t, i, previous)
		if start == i {
			continue
		}
		found = append(found, span{start, end, Email, 0.96})
		previous = end
	}
	return found
}

func readMailHost(t *cells, i int) int {
	if t.class(i) == '[' {
		j := i + 1
		if t.class(j+4) == ':' && t.lower(j, min(j+4, t.len())) == "ipv6" {
			j += 5
		}
		end := max(ipv4(t, j), ipv6(t, j))
		if end > j && t.class(end) == ']' {
			return end + 1
		}
		return 0
	}
	end, last := readHost(t, i)
	if last == i || !isTLD(t, last, end) || t.class(end) == '@' {
		return 0
	}
	return end
}

const (
	longestLocal = 64
	mailSpecials = "!#$%&'*+-^_`{}~"
)

// localStart returns the start of the local part before the @ at i, or i if
// there is none. The local part does not start before previous. All its letters
// are of the script of its last letter: in a text without spaces, words of
// another script before it do not belong to it.
func localStart(t *cells, i, previous int) int {
	first := max(previous, i-longestLocal-1)
	if t.class(i-1) == '"' {
		for j := i - 2; j >= first && t.class(j) != '\n'; j-- {
			if t.class(j) == '"' && t.class(j-1) != '\\' {
				if i-1-j < 2 || isWord(t.class(j-1)) {
					return i
				}
				return j
			}
		}
		return i
	}
	script := latin
	for j := i - 1; j >= first; j-- {
		if c := t.class(j); isLetter(c) || isWord(c) && !isDigit(c) {
			if !isLatin(c) {
				script = c
			}
			break
		} else if !isDigit(c) && c != '.' && !contains(mailSpecials, c) {
			break
		}
	}
	start := i
	for j := i - 1; j >= first; j-- {
		c := t.class(j)
		switch {
		case isAlnum(c) && script == latin, isDigit(c), c == script:
			start = j
			continue
		case c == '.' && t.class(j+1) != '.' && t.class(j+1) != '@', contains(mailSpecials, c):
			// Belongs to the local part if a letter or digit is before it.
			if c == '_' || c == '+' && j == i-1 {
				start = j
			}
			continue
		}
		break
	}
	if i-start > longestLocal || t.class(i-1) == '.' {
		return i
	}
	return start
}
