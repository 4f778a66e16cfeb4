package httpx

import (
	"errors"
	"net/url"
	"slices"
)

// shown are the query parameters that say what was asked for. All others
// may be part of a signature.
var shown = []string{"page", "per_page", "name", "status", "branch", "event", "actor", "created", "head_sha"}

// Redact makes a URL fit for a log: without user, password and fragment, and
// with the values of all query parameters hidden that are not known to be
// harmless. A signed URL lets whoever reads it fetch the artifact.
func Redact(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "(a URL that cannot be parsed)"
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	q := u.Query()
	for k := range q {
		if !slices.Contains(shown, k) {
			q[k] = []string{"REDACTED"}
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// RedactError returns err with the URL of a *url.Error redacted.
func RedactError(err error) error {
	ue, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err
	}
	return &url.Error{Op: ue.Op, URL: Redact(ue.URL), Err: ue.Err}
}
