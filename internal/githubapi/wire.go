package githubapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/artifetch/artifetch/internal/search"
)

// wire is an answer's JSON. It is complete when it has what GitHub always
// sends: other servers, which sit between, send JSON too.
type wire interface{ complete() bool }

// maxText bounds a text in an answer, in bytes. The longest that GitHub has
// are a workflow's path with a branch behind it, about 600.
const maxText = 1 << 10

// text is a string of an answer. A longer one than maxText is cut and ends in
// "…" then: strangers choose titles, branches and names of workflows, and one
// of them must neither fill the memory nor end a search.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if len(s) > maxText {
		end := maxText
		for !utf8.RuneStart(s[end]) {
			end--
		}
		s = strings.Clone(s[:end]) + "…"
	}
	*t = text(s)
	return nil
}

// listOf is a list in an answer. It is decoded item by item and not past
// search.PerPage of them: three bytes on the wire can be half a kilobyte in
// memory. (A server that does not know per_page, such as Gitea, may have
// chosen another size than was asked for, but none above that.)
type listOf[W any] struct {
	items []W
	there bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *listOf[W]) UnmarshalJSON(raw []byte) error {
	*l = listOf[W]{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	start, err := dec.Token()
	if err != nil || start == nil { // null is no list
		return err
	}
	if start != json.Delim('[') {
		return errors.New("no list where a list was expected")
	}
	for dec.More() {
		if len(l.items) == search.PerPage {
			return &TooLargeError{What: fmt.Sprintf("more than %d items on a page", search.PerPage)}
		}
		var item W
		if err := dec.Decode(&item); err != nil {
			return err
		}
		l.items = append(l.items, item)
	}
	l.there = true
	return nil
}

// whole reports whether a list is there and all its items are complete.
func whole[W any, P interface {
	*W
	wire
}](l listOf[W]) bool {
	for i := range l.items {
		if !P(&l.items[i]).complete() {
			return false
		}
	}
	return l.there
}
