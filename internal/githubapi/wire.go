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

// wire is the JSON of an answer. complete reports whether it has the fields that the API
// always sends: a server in between may answer in JSON, too.
type wire interface{ complete() bool }

// maxText bounds a string of an answer, in bytes. GitHub's longest are paths of workflows
// with a branch, of about 600 bytes.
const maxText = 1 << 10

// text is a string of an answer. Beyond maxText it is cut, and ends in "…": strangers
// choose titles, branches and names of workflows, which must neither fill the memory nor
// end a search.
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

// listOf is a list in an answer. It is decoded item by item, up to search.PerPage items:
// an item of three bytes takes half a kilobyte of memory. (Servers that ignore the page
// size of a request, such as Gitea, have smaller pages.)
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
		return errors.New("not a list")
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

// whole reports whether the answer has the list, and all items are complete.
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
