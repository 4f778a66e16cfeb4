package fetch

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the length of the longest file name on common file systems, in bytes.
const maxName = 255

// FileName returns the file name in a Content-Disposition header (RFC 6266). It prefers
// filename* (RFC 5987) to filename, and returns only the last component of a path, also
// of a Windows path. It returns "" if there is no name, or one that cannot name a file:
// "..", a name with control characters, one that is not UTF-8 or is longer than 255
// bytes.
func FileName(contentDisposition string) string {
	_, params, err := mime.ParseMediaType(contentDisposition)
	if err != nil {
		return ""
	}
	name := params["filename"]
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if len(name) >= 2 && name[1] == ':' && unicode.IsLetter(rune(name[0])) {
		name = name[2:] // the drive of a Windows path without a directory
	}
	if name == "." || name == ".." || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return name
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
