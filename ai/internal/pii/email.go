package pii

// findEmails reads around each @ an address of RFC 5321 with the letters of RFC
// 6531: a dot-atom or a quoted string, then a host name or an address in
// brackets. Of the specials that an atom may have, = ? / and | count as
// borders, because in running text they separate ("?mail=ann@example.com").
func findEmails(t *cells) []span {
	var found []span
	floor := 0 // the end of the address before
	for i := range t.c {
		if t.c[i] != '@' {
			continue
		}
		end := readMailHost(t, i+1)
		if end == 0 {
			continue
		}
		start := localStart(t, i, floor)
		if start == i {
			continue
		}
		found = append(found, span{start, end, Email, 0.96})
		floor = end
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

// localStart gives where the local part before the @ at i starts; i if there is
// none. It is of the script of the letter before the @, so that text without
// spaces around it is left alone.
func localStart(t *cells, i, floor int) int {
	floor = max(floor, i-longestLocal-1)
	if t.class(i-1) == '"' {
		for j := i - 2; j >= floor && t.class(j) != '\n'; j-- {
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
	for j := i - 1; j >= floor; j-- {
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
	for j := i - 1; j >= floor; j-- {
		c := t.class(j)
		switch {
		case isAlnum(c) && script == latin, isDigit(c), c == script:
			start = j
			continue
		case c == '.' && t.class(j+1) != '.' && t.class(j+1) != '@', contains(mailSpecials, c):
			// Part of it if more stands before.
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
