package fetch

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// FileName reads the file name of a Content-Disposition header (RFC 6266):
// filename* (RFC 5987) before filename, and of a path the last component
// only. It is empty where there is none that can name a file.
func FileName(contentDisposition string) string {
	_, params, err := mime.ParseMediaType(contentDisposition)
	if err != nil {
		return ""
	}
	name := params["filename"]
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return name
}

// parseContentRange reads "bytes first-last/total" (RFC 9110, section
// 14.4); total is -1 for "*".
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
	ok = ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && first <= last && (total < 0 || last < total)
	return first, last, total, ok
}

// number reads digits only: no sign, no blanks.
func number(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}

// strong tells an ETag that If-Match can use (RFC 9110, section 13.1.1).
func strong(etag string) bool { return strings.HasPrefix(etag, `"`) }

// checkRedirect lets the storage redirect a few times, never from https to
// http, and never with credentials.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("the storage redirects from https to http")
	}
	req.Header.Del("Authorization")
	return nil
}
