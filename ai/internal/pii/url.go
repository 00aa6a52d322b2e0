package pii

import "strings"

// schemes of addresses that name a host or a place.
var schemes = wordList("http https ftp ftps sftp ws wss ssh git svn ldap ldaps file smb nfs rtsp rtmp s3 gs hdfs jdbc redis postgres postgresql mysql mongodb amqp irc telnet news gopher").whole

// longestURL bounds how far an address is read; what follows is left.
const longestURL = 4096

// readURL reads scheme://..., www.... and host names under a common top-level
// domain, with what follows of port, path, query and fragment (RFC 3986, RFC
// 3987), but not the punctuation of the sentence around. A word of another
// script that follows a Latin one directly is of the sentence; after a slash it
// is of the address.
func readURL(t *cells, i int) (int, float64) {
	if !isWord(t.class(i)) {
		return 0, 0
	}
	if end := scheme(t, i); end > i {
		if c := t.class(end); !isWord(c) && c != '[' && c != '/' {
			return 0, 0
		}
		if j := readTail(t, hostOrPlace(t, end)); j > end {
			return j, 0.98
		}
		return 0, 0
	}
	if before := t.class(i - 1); before == '@' || before == '.' || before == '-' || before == '_' || isWord(before) && isWord(t.class(i)) && !(before == ideo && isAlnum(t.class(i))) {
		return 0, 0
	}
	end, last := readHost(t, i)
	if last == i || !isTLD(t, last, end) || t.class(end) == '@' {
		return 0, 0
	}
	tld := t.lower(last, end)
	path := t.class(end) == '/' && isAlnum(t.class(end+1))
	switch {
	case t.lower(i, min(i+4, t.len())) == "www." && last > i+4:
		return readTail(t, end), 0.97
	case !consistentCase(t.c[last:end]):
		return 0, 0
	case commonTLD[tld] && (!isUpper(t.class(last)) || tld == "com"), path && pathTLD[tld] && !isUpper(t.class(last)):
		return readTail(t, end), 0.9
	}
	return 0, 0
}

// consistentCase tells whether letters are all small or all capitals: "com" and
// "COM", but not the "Com" of a new sentence.
func consistentCase(label []byte) bool {
	for _, c := range label {
		if isUpper(c) != isUpper(label[0]) {
			return false
		}
	}
	return true
}

// scheme gives the end of a known scheme and "://" at i; 0 if there is none.
func scheme(t *cells, i int) int {
	const longest = 10
	j := i
	for j-i <= longest && isAlnum(t.class(j)) {
		j++
	}
	if t.class(j) != ':' || t.class(j+1) != '/' || t.class(j+2) != '/' || !schemes[t.lower(i, j)] {
		return 0
	}
	return j + 3
}

// hostOrPlace gives the end of user, password and host after a scheme.
func hostOrPlace(t *cells, i int) int {
	const longest = 128
	for j := i; j-i < longest; j++ {
		c := t.class(j)
		if c == '@' {
			i = j + 1
			break
		}
		if !isAlnum(c) && !contains("-._~%!$&'()*+,;=:", c) {
			break
		}
	}
	if t.class(i) == '[' {
		if end := ipv6(t, i+1); end > i && t.class(end) == ']' {
			return end + 1
		}
	}
	end, _ := readHost(t, i)
	return end
}

// readTail reads port, path, query and fragment after a host.
func readTail(t *cells, host int) int {
	i := host
	if t.class(i) == ':' {
		if j := t.digits(i+1, 5); j > i+1 && t.cut(j) {
			i = j
		}
	}
	if c := t.class(i); c != '/' && c != '?' && c != '#' {
		return i
	}
	j := i
	for ; j < i+longestURL; j++ {
		c, before := t.class(j), t.class(j-1)
		switch {
		case isAlnum(c):
			if before == alphabet || before == ideo {
				break // another script's word has ended
			}
			continue
		case c == latin, contains("-._~%!$&'()*+,;=:@/?#[]|", c):
			continue
		case c == alphabet, c == ideo:
			if before == c || !isWord(before) {
				continue
			}
		}
		break
	}
	return trimPunctuation(t, i, j)
}

// trimPunctuation takes from the end of i:j what rather belongs to the sentence.
func trimPunctuation(t *cells, i, j int) int {
	open := 0 // brackets opened and not closed
	for k := i; k < j; k++ {
		switch t.class(k) {
		case '(', '[':
			open++
		case ')', ']':
			open--
		}
	}
	for ; j > i+1; j-- {
		switch c := t.class(j - 1); {
		case strings.IndexByte(".,;:!?'*", c) >= 0:
		case c == ')' || c == ']':
			if open >= 0 {
				return j
			}
			open++
		default:
			return j
		}
	}
	return j
}
