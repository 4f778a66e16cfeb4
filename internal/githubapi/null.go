package githubapi

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// nullable distinguishes null from a field that the server leaves out: both leave v zero,
// but only null sets null.
type nullable[T any] struct {
	v    T
	null bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *nullable[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if n.null = d.PeekKind() == 'n'; n.null {
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &n.v)
}

// known returns a time of an answer, or zero for one that is yet to come: Gitea sends the
// beginning of 1970 for it.
func known(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}
