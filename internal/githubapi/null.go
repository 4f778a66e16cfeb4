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

// wireTime is a time, or zero if the server leaves it out. Gitea sends the beginning of
// 1970 for a time that is yet to come.
type wireTime struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *wireTime) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	s, there, err := readString(d)
	if err != nil || !there {
		return err
	}
	if err := t.UnmarshalText([]byte(s)); err != nil {
		return err
	}
	if t.Unix() <= 0 {
		t.Time = time.Time{}
	}
	return nil
}
