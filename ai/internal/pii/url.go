package pii

import "strings"

// schemes are the URL schemes that are recognised.
var schemes = keywordList("http https ftp ftps sftp ws wss ssh git svn ldap ldaps file smb nfs rtsp rtmp s3 gs hdfs jdbc redis postgres postgresql mysql mongodb amqp irc telnet news gopher").whole

// longestURL is the number of cells after the host at which a URL is cut.
const longestURL = 4096

// readURL reads scheme://..., www.... and host names under a common top-level
// domain, with port, path, query and fragment (RFC 3986, RFC 3987). It excludes
// the punctuation of the surrounding sentence. A word of another script directly
// after a Latin word belongs to the sentence; after a slash it belongs to the
// URL.
func readURL(t *cells, i int) (int, float64) {
	if !isWord(t.class(i)) {
		return 0, 0
	}
	if end := schemeEnd(t, i); end > i {
		if c := t.class(end); !isWord(c) && c != '[' && c != '/' {
			return 0, 0
		}
		if j := readTail(t, authority(t, end)); j > end {
			return j, 0.98
		}
		return 0, 0
	}
	if before := t.class(i - 1); before == '@' || before == '.' || before == '-' || before == '_' || isWord(before) && isWord(t.class(i)) && !(before == unspaced && isAlnum(t.class(i))) {
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
	case !sameCase(t.c[last:end]):
		return 0, 0
	case commonTLD[tld] && (!isUpper(t.class(last)) || tld == "com"), path && pathTLD[tld] && !isUpper(t.class(last)):
		return readTail(t, end), 0.9
	}
	return 0, 0
}

// sameCase reports whether the letters of label are all lower case or all upper
// case: "com" and "COM", but not the "Com" of a new sentence.
func sameCase(label []byte) bool {
	for _, c := range label {
		if isUpper(c) != isUpper(label[0]) {
			return false
		}
	}
	return true
}

// schemeEnd returns the end of a known scheme and "://" at i, or 0.
func schemeEnd(t *cells, i int) int {
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

// authority returns the end of the authority of a URL without its port: user,
// password and host (RFC 3986, section 3.2).
func authority(t *cells, i int) int {
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

// readTail returns the end of the port, path, query and fragment after a host.
func readTail(t *cells, host int) int {
	i := host
	if t.class(i) == ':' {
		if j := t.digits(i+1, 5); j > i+1 && t.wordEnd(j) {
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
			if before == spaced || before == unspaced {
				break // a word of another script ends here
			}
			continue
		case c == latin, contains("-._~%!$&'()*+,;=:@/?#[]|", c):
			continue
		case c == spaced, c == unspaced:
			if before == c || !isWord(before) {
				continue
			}
		}
		break
	}
	return trimPunctuation(t, i, j)
}

// trimPunctuation returns the end of the cells i:j without the punctuation of
// the sentence at their end.
func trimPunctuation(t *cells, i, j int) int {
	open := 0 // opening brackets minus closing brackets
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
