package unpack

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// listed is a format as simple as can be: names and contents in memory. Its
// entries come side by side.
type listed [][2]string

func (l listed) eachContent(ctx context.Context, _ *Pool, do func(context.Context, *Entry, content) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, item := range l {
		e := &Entry{Name: item[0], stored: item[0], Size: int64(len(item[1])), Mode: 0o600}
		if item[0] == "link" {
			e.Size, e.Mode = 0, fs.ModeSymlink
		}
		g.Go(func() error { return do(ctx, e, listedContent(item[1])) })
	}
	return g.Wait()
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
			res, links, err := extractContents(t.Context(), c, root, ExtractOptions{})
			if diff := cmp.Diff(map[string]string{"link": "d0/f"}, links); diff != "" {
				t.Error(diff)
			}
			return res, err
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
			root, err := os.OpenRoot(t.TempDir())
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
