package inspect_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
)

// copier has the files of artifacts by their ids. A file's content is its artifact's name,
// a colon and its own name.
type copier struct{ lister }

func (c *copier) Copy(_ context.Context, item *transfer.Item, name string, _ spool.Dir, w io.Writer) error {
	for _, e := range c.lists[item.Artifact.ID].First {
		if e.Name == name {
			_, err := io.WriteString(w, item.Artifact.Name+":"+name)
			return err
		}
	}
	return &transfer.NoFileError{Name: name}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	at := func(i transfer.Item, to string) transfer.Item { i.To = to; return i }
	one := []transfer.Item{item(1, 1, "one", "")}
	several := []transfer.Item{at(item(1, 1, "one", ""), "one"), at(item(2, 1, "two", ""), "two"), at(item(3, 1, "three", ""), "one/two")}
	from := lister{lists: map[int64]transfer.Listing{
		1: archive(file("a", 1, 1), file("both", 1, 1), file("two/deep", 1, 1)),
		2: archive(file("both", 1, 1), file("only", 1, 1), file("one/a", 1, 1)),
		3: archive(file("deep", 1, 1), file("three", 1, 1)),
	}}
	for name, tt := range map[string]struct {
		items []transfer.Item
		file  string
		want  string // or, after "no ", the error
	}{
		"of one artifact":               {one, "a", "one:a"},
		"a path that is not clean":      {one, "./x/../a", "one:a"},
		"not there":                     {one, "nope", `no there is no file "nope"`},
		"by the path of the listing":    {several, "one/both", "one:both"},
		"of the other artifact":         {several, "two/both", "two:both"},
		"that two paths mean":           {several, "one/two/deep", "one:two/deep"},
		"below another's directory":     {several, "one/two/three", "three:three"},
		"by its path in the artifact":   {several, "only", "two:only"},
		"a path that begins as another": {several, "one/a", "one:a"},
		"in several artifacts":          {several, "both", `no several artifacts have a file "both": "one/both", "two/both"`},
		"in none of several":            {several, "nope", `no there is no file "nope"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var to strings.Builder
			from := &copier{lister{lists: from.lists}}
			err := inspect.Copy{From: from, To: &to}.File(t.Context(), tt.items, tt.file)
			if len(tt.items) == 1 && len(from.asked) > 0 {
				t.Error("the files of a single artifact were listed")
			}
			if want, fails := strings.CutPrefix(tt.want, "no "); fails {
				_, missing := errors.AsType[*transfer.NoFileError](err)
				_, many := errors.AsType[*inspect.SeveralError](err)
				if err == nil || err.Error() != want || missing != strings.HasPrefix(want, "there is no file") || many == missing || to.Len() > 0 {
					t.Errorf("%q, %v", &to, err)
				}
				return
			}
			if err != nil || to.String() != tt.want {
				t.Errorf("%q, %v; want %q", &to, err, tt.want)
			}
		})
	}
}

// A failure is not taken for a file that is missing: no other place is tried.
func TestCopyFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	several := []transfer.Item{item(1, 1, "one", ""), item(2, 1, "two", "")}
	several[0].To, several[1].To = "one", "two"
	from := &copier{lister{lists: map[int64]transfer.Listing{1: archive(file("a", 1, 1)), 2: archive(file("one/a", 1, 1))}}}
	if err := (inspect.Copy{From: from, To: failing{broken}}).File(t.Context(), several, "one/a"); !errors.Is(err, broken) || len(from.asked) > 0 {
		t.Errorf("%v; the files of %d were listed", err, from.asked)
	}
	from.err = broken
	if err := (inspect.Copy{From: from, To: io.Discard}).File(t.Context(), several, "nope"); !errors.Is(err, broken) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
