package githubapi

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/words"
)

// wire is the JSON of an answer. complete reports whether it has the fields that the API
// always sends: a server in between may answer in JSON, too.
type wire interface{ complete() bool }

// maxText bounds a string of an answer, in bytes. GitHub's longest are paths of workflows
// with a branch, of about 600 bytes.
const maxText = 1 << 10

// text is a string of an answer: strangers choose titles, branches and names of workflows. The
// clip has cut it to maxRaw bytes already.
type text string

// String returns the text, cut to maxText bytes: it must not fill the memory.
func (t text) String() string { return words.Cut(string(t), maxText) }

// listOf is a list in an answer. It is decoded item by item, up to search.PerPage items:
// an item of three bytes takes half a kilobyte of memory. (Servers that ignore the page
// size of a request, such as Gitea, have smaller pages.)
type listOf[W any] struct {
	items []W
	there bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *listOf[W]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*l = listOf[W]{}
	start, err := d.ReadToken()
	switch {
	case err != nil:
		return err
	case start.Kind() == 'n': // null is no list
		return nil
	case start.Kind() != '[':
		return errors.New("not a list")
	}
	for d.PeekKind() != ']' {
		if len(l.items) == search.PerPage {
			return &TooLargeError{What: fmt.Sprintf("more than %d items on a page", search.PerPage)}
		}
		var item W
		if err := json.UnmarshalDecode(d, &item); err != nil {
			return err
		}
		l.items = append(l.items, item)
	}
	l.there = true
	_, err = d.ReadToken()
	return err
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
