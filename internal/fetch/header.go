package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the length of the longest file name on common file systems, in bytes.
const maxName = 255

// FileName returns the file name in a Content-Disposition header (RFC 6266). It prefers
// filename* (RFC 5987) to filename, and returns only the last component of a path, also
// of a Windows path; "" if that is "." or "..". ok reports whether a file can have the
// name: it is not empty, is UTF-8, has no control characters and at most 255 bytes.
//
// Headers that break the grammar are read all the same: many servers do not quote names
// such as "app (1).jar", or send them in Latin-1.
func FileName(contentDisposition string) (name string, ok bool) {
	if !utf8.ValidString(contentDisposition) {
		contentDisposition = fromLatin1(contentDisposition) // RFC 9110, section 5.5
	}
	_, params, err := mime.ParseMediaType(contentDisposition)
	name = params["filename"]
	if err != nil || name == "" {
		name = looseFileName(contentDisposition)
	}
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if len(name) >= 2 && name[1] == ':' && unicode.IsLetter(rune(name[0])) {
		name = name[2:] // the drive of a Windows path without a directory
	}
	if name == "" || name == "." || name == ".." {
		return "", false
	}
	return name, len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// looseFileName returns the file name in a header that breaks the grammar, or has its
// name in Latin-1. A value ends at the next semicolon, unless it begins with a quote. If
// there are two names for one parameter, neither counts.
func looseFileName(header string) string {
	names := map[string]string{}
	for header != "" {
		var key, value string
		key, value, header = nextParameter(header)
		if key == "filename*" {
			value = extendedValue(value)
		}
		if other, twice := names[key]; twice && other != value {
			value = ""
		}
		names[key] = value
	}
	return cmp.Or(names["filename*"], names["filename"])
}

// nextParameter cuts a parameter off a header. Its key is in lower case.
func nextParameter(header string) (key, value, rest string) {
	end := strings.IndexAny(header, "=;")
	if end < 0 || header[end] == ';' {
		_, rest, _ = strings.Cut(header, ";")
		return "", "", rest
	}
	key, rest = strings.ToLower(strings.TrimSpace(header[:end])), strings.TrimSpace(header[end+1:])
	quoted, isQuoted := strings.CutPrefix(rest, `"`)
	if !isQuoted {
		value, rest, _ = strings.Cut(rest, ";")
		return key, strings.TrimSpace(value), rest
	}
	value, rest, _ = strings.Cut(quoted, `"`)
	_, rest, _ = strings.Cut(rest, ";")
	return key, value, rest
}

// extendedValue decodes charset'language'value (RFC 5987, section 3.2) from one of the
// two character sets that the RFC has. It returns "" for any other.
func extendedValue(v string) string {
	charset, rest, _ := strings.Cut(v, "'")
	_, raw, ok := strings.Cut(rest, "'")
	if !ok {
		return ""
	}
	text, err := url.PathUnescape(raw)
	if err != nil {
		text = raw // a name with a per cent sign, which was not encoded
	}
	switch {
	case strings.EqualFold(charset, "utf-8"):
		return text
	case strings.EqualFold(charset, "iso-8859-1"):
		return fromLatin1(text)
	}
	return ""
}

// fromLatin1 converts text from Latin-1, where each byte is a character, to UTF-8.
func fromLatin1(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// parseContentRange reads "bytes first-last/total" (RFC 9110, section 14.4); total is -1
// for "*". A size that no blob can have is not accepted.
func parseContentRange(h string) (first, last, total int64, ok bool) {
	spec, ok1 := strings.CutPrefix(h, "bytes ")
	span, size, ok2 := strings.Cut(spec, "/")
	from, to, ok3 := strings.Cut(span, "-")
	first, ok4 := number(from)
	last, ok5 := number(to)
	total, ok6 := number(size)
	if size == "*" {
		total, ok6 = -1, true
	}
	ok = ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && first <= last && (total < 0 || last < total) && total <= maxBlob && last < maxBlob
	return first, last, total, ok
}

// number reads digits only: no sign, no blanks.
func number(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}

// checkRedirect lets the storage redirect a few times, never from https to
// http, and never with credentials: neither in a header, nor in a URL, nor
// with the signed URL as the referrer.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("the storage redirects from https to http")
	}
	req.URL.User = nil
	req.Header.Del("Authorization")
	req.Header.Del("Referer")
	return nil
}
