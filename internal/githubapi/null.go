package githubapi

import (
	"bytes"
	"encoding/json"
	"time"
)

// nullable is a value that means one thing where it is null, and another where
// the server does not send it: both leave v zero, but only the first sets null.
type nullable[T any] struct {
	v    T
	null bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *nullable[T]) UnmarshalJSON(text []byte) error {
	n.null = bytes.Equal(text, []byte("null"))
	return json.Unmarshal(text, &n.v)
}

// wireTime is a time that is zero where the server does not tell it. Gitea
// sends the beginning of 1970 for what has not happened yet.
type wireTime struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *wireTime) UnmarshalJSON(text []byte) error {
	err := json.Unmarshal(text, &t.Time)
	if t.Unix() <= 0 {
		t.Time = time.Time{}
	}
	return err
}
