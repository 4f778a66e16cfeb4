package unpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/artifetch/artifetch/internal/testdir"
)

// listed is a format as simple as can be: names and contents in memory. Its
// entries come side by side.
type listed [][2]string

func (l listed) eachContent(ctx context.Context, _ *Pool, do func(context.Context, *Entry, content) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, item := range l {
		g.Go(func() error { return do(ctx, l.entry(i), listedContent(item[1])) })
	}
	return g.Wait()
}

func (l listed) entry(i int) *Entry {
	e := &Entry{Name: l[i][0], stored: l[i][0], Size: int64(len(l[i][1])), Mode: 0o600}
	if e.Name == "link" {
		e.Size, e.Mode = 0, fs.ModeSymlink
	}
	return e
}

func (l listed) all(do func(e *Entry, chosen bool) error) error {
	for i := range l {
		if err := do(l.entry(i), true); err != nil {
			return err
		}
	}
	return nil
}

func (l listed) contents(*frontier) contents { return l }

// format returns a Format whose archives are all l.
func (l listed) format() *Format {
	return &Format{
		Ext: ".listed", MediaTypes: []string{"application/x-listed"}, Is: magic("listed"),
		open: func(_ input, size int64, o Options) (*Archive, error) {
			return &Archive{Size: size, index: l, entries: len(l)}, o.Budget.Take(len(l), 0)
		},
	}
}

type listedContent string

func (c listedContent) copy(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(c))
	return err
}

// Extraction and expansion work with a format that they do not know, also if its entries
// come side by side.
func TestAnyFormat(t *testing.T) {
	t.Parallel()
	c := listed{{"link", "d0/f"}}
	want := []string{"link -> d0/f"}
	for i := range 40 {
		name := fmt.Sprintf("d%d/f", i)
		c = append(c, [2]string{name, fmt.Sprint(i)})
		want = append(want, fmt.Sprintf("d%d/", i), fmt.Sprintf("%s = %d", name, i))
	}
	slices.Sort(want)
	for name, use := range map[string]func(*testing.T, *os.Root) (Result, error){
		"extract": func(t *testing.T, root *os.Root) (Result, error) {
			t.Helper()
			a, err := c.format().Open(nil, 70, Options{Budget: NewBudget(41, 70)})
			if err != nil {
				return Result{}, err
			}
			res, err := a.Extract(t.Context(), root, ExtractOptions{})
			if diff := cmp.Diff(map[string]string{"link": "d0/f"}, a.Links()); diff != "" {
				t.Error(diff)
			}
			entries := 0
			if listErr := a.Each(func(Entry) error { entries++; return nil }); listErr != nil || entries != 41 {
				t.Errorf("%d entries, %v", entries, listErr)
			}
			if pairs, more := a.CaseCollisions(1); len(pairs)+more > 0 {
				t.Errorf("%v and %d more names are there in two spellings", pairs, more)
			}
			return res, errors.Join(err, a.Verify(t.Context(), ExtractOptions{}))
		},
		"expand": func(t *testing.T, root *os.Root) (Result, error) {
			t.Helper()
			x := newExpander(root, TarOptions{Budget: NewBudget(0, 0), Room: func(int64) error { return nil }, Pool: NewPool(2)})
			if err := x.add(t.Context(), "x", c); err != nil {
				return Result{}, err
			}
			if err := x.finish(t.Context()); err != nil {
				return Result{}, err
			}
			return Result{Files: x.files, Bytes: x.bytes}, x.dirs.close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, err := os.OpenRoot(testdir.InMemory(t))
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			res, err := use(t, root)
			if err != nil {
				t.Fatal(err)
			}
			got := tree(t, root.Name())
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(Result{Files: 41, Bytes: 70}, res); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Each format of Formats can be told from the others, and a format that is added to them
// takes nothing from these.
func TestFormats(t *testing.T) {
	t.Parallel()
	samples := map[string][]string{
		".zip":    {"PK\x03\x04", "PK\x05\x06", "PK\x07\x08"},
		".listed": {"listed"},
	}
	more := append(slices.Clone(Formats), listed{}.format())
	for i, f := range more {
		for _, mediaType := range f.MediaTypes {
			if more.ByMediaType(mediaType) != f || mediaType != strings.ToLower(mediaType) || strings.Contains(mediaType, ";") {
				t.Errorf("%s: %q says another format, or none", f.Ext, mediaType)
			}
		}
		if len(samples[f.Ext]) == 0 {
			t.Errorf("%s has no sample here", f.Ext)
		}
		for _, head := range samples[f.Ext] {
			if more.ByHead([]byte(head)) != f || more.ByHead([]byte(head[:len(head)-1])) != nil || more.ByHead([]byte(" "+head)) != nil {
				t.Errorf("%s: %q begins another format, or none", f.Ext, head)
			}
		}
		for j, other := range more {
			if got := other.Names("A" + strings.ToUpper(f.Ext)); got != (i == j) {
				t.Errorf("%s names a file of %s: %v", other.Ext, f.Ext, got)
			}
		}
		if f.Names("zip") || f.Names("a") || f.Names(f.Ext+".jar") {
			t.Errorf("%s names other files", f.Ext)
		}
	}
	if more.ByMediaType("") != nil || more.ByMediaType("application/octet-stream") != nil || more.ByHead(nil) != nil || more.ByHead([]byte("hello")) != nil {
		t.Error("what says nothing says a format")
	}
}
