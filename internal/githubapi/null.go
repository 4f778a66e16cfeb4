package githubapi

import (
	"bytes"
	"encoding/json"
	"time"
)

// nullable distinguishes null from a field that the server leaves out: both leave v zero,
// but only null sets null.
type nullable[T any] struct {
	v    T
	null bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *nullable[T]) UnmarshalJSON(text []byte) error {
	n.null = bytes.Equal(text, []byte("null"))
	return json.Unmarshal(text, &n.v)
}

// wireTime is a time, or zero if the server leaves it out. Gitea sends the beginning of
// 1970 for a time that is yet to come.
type wireTime struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *wireTime) UnmarshalJSON(text []byte) error {
	err := json.Unmarshal(text, &t.Time)
	if t.Unix() <= 0 {
		t.Time = time.Time{}
	}
	return err
}
