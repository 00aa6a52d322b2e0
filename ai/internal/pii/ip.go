package pii

import (
	"net/netip"
	"strings"
)

// versionWords say that four numbers with points are no address.
var versionWords = wordList("version ver v release firmware build section chapter kernel driver версия версии 版本")

// readIP reads an address of IP version 4 or 6, without port and prefix length.
func readIP(t *cells, i int) (int, float64) {
	if end := ipv4(t, i); end > i {
		if versionWords.before(t, i, 12, false) >= 0 {
			return 0, 0
		}
		return end, 0.93
	}
	if !t.border(i) || t.class(i-1) == ':' || t.partOfNumber(i) {
		return 0, 0
	}
	return ipv6(t, i), 0.94
}

func ipv4(t *cells, i int) int {
	if t.partOfNumber(i) && t.class(i-1) != '/' && t.class(i-1) != ':' {
		return 0
	}
	g := readGroups4(t, i)
	if g == 0 || !t.cut(g) || t.class(g) == '.' && isAlnum(t.class(g+1)) {
		return 0
	}
	if _, err := netip.ParseAddr(string(t.c[i:g])); err != nil {
		return 0
	}
	return g
}

// readGroups4 gives the end of four groups of one to three digits with points
// between; 0 if they are not there.
func readGroups4(t *cells, i int) int {
	for n := range 4 {
		if n > 0 {
			if t.class(i) != '.' {
				return 0
			}
			i++
		}
		j := t.digits(i, 3)
		if j == i || j-i > 3 {
			return 0
		}
		i = j
	}
	return i
}

// ipv6 wants a full address, or one with "::" that does not look like the scope
// operator of a programming language: a group of three digits, or "::" first.
func ipv6(t *cells, i int) int {
	const longest = 45 // eight groups, the last two as version 4
	j, colons := i, 0
	for j-i <= longest && (isHex(t.class(j)) || t.class(j) == ':' || t.class(j) == '.' && colons > 1 && isDigit(t.class(j+1))) {
		if t.class(j) == ':' {
			colons++
		}
		j++
	}
	if colons < 2 || j-i > longest {
		return 0
	}
	// A colon or point after the address is punctuation.
	for (t.class(j-1) == ':' && t.class(j-2) != ':') || t.class(j-1) == '.' {
		j--
	}
	if !t.cut(j) {
		return 0
	}
	address := string(t.c[i:j])
	if _, err := netip.ParseAddr(address); err != nil || !telling(address) {
		return 0
	}
	if t.class(j) == '%' && isAlnum(t.class(j+1)) { // zone, as in fe80::1%eth0
		for j++; isAlnum(t.class(j)) && j-i < 70; j++ {
		}
	}
	return j
}

func telling(address string) bool {
	head, tail, short := strings.Cut(address, "::")
	if !short {
		return true
	}
	if !strings.ContainsAny(address, "0123456789") {
		return false
	}
	if head == "" {
		return tail != ""
	}
	for _, group := range strings.Split(head+":"+tail, ":") {
		if len(group) >= 3 {
			return true
		}
	}
	return false
}

// readMAC reads EUI-48 and EUI-64 addresses: pairs with colons or dashes, or
// groups of four with points. The latter need a letter, or they might be any
// number.
func readMAC(t *cells, i int) (int, float64) {
	if !isHex(t.class(i)) || t.partOfNumber(i) {
		return 0, 0
	}
	for _, form := range []struct {
		size int
		sep  byte
		n    []int
	}{{2, ':', []int{8, 6}}, {2, '-', []int{8, 6}}, {4, '.', []int{4, 3}}} {
		for _, n := range form.n {
			end := hexGroups(t, i, form.size, n, form.sep)
			if end == 0 || !t.cut(end) || t.class(end) == form.sep && isAlnum(t.class(end+1)) {
				continue
			}
			if form.sep == '.' && !strings.ContainsAny(t.lower(i, end), "abcdef") {
				continue
			}
			return end, 0.95
		}
	}
	return 0, 0
}

// hexGroups gives the end of n groups of hexadecimal digits; 0 if they are not
// there.
func hexGroups(t *cells, i, size, n int, sep byte) int {
	for g := range n {
		if g > 0 {
			if t.class(i) != sep {
				return 0
			}
			i++
		}
		for range size {
			if !isHex(t.class(i)) {
				return 0
			}
			i++
		}
	}
	return i
}
