package inspect_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
)

// item is an artifact of a run.
func item(id, run int64, name, digest string) transfer.Item {
	return transfer.Item{Item: artifact.Item{
		Run: artifact.Run{ID: run}, Artifact: artifact.Artifact{ID: id, Name: name, Digest: digest},
	}}
}

// lister has the files of artifacts by their ids, and notes which it is asked for.
type lister struct {
	lists map[int64]transfer.Listing
	err   error
	asked []int64
}

func (l *lister) Files(_ context.Context, items []transfer.Item) ([]transfer.Listing, error) {
	lists := make([]transfer.Listing, len(items))
	for i, item := range items {
		l.asked = append(l.asked, item.Artifact.ID)
		lists[i] = l.lists[item.Artifact.ID]
	}
	return lists, l.err
}

func archive(entries ...unpack.Entry) transfer.Listing { return transfer.Listing{First: entries} }

func file(name string, size int64, crc uint32) unpack.Entry {
	return unpack.Entry{Name: name, Size: size, CRC32: crc}
}

func TestKind(t *testing.T) {
	t.Parallel()
	crc := func(size int64, sum uint32) *inspect.Version { return &inspect.Version{Size: size, CRC32: &sum} }
	raw := func(size int64, digest string) *inspect.Version {
		return &inspect.Version{Size: size, Digest: digest}
	}
	link, executable := crc(3, 1), crc(3, 1)
	link.Mode, executable.Mode = fs.ModeSymlink|0o777, 0o755
	for name, tt := range map[string]struct {
		before, after *inspect.Version
		want          inspect.Kind
	}{
		"only after":                     {nil, crc(3, 1), inspect.Added},
		"only before":                    {crc(3, 1), nil, inspect.Removed},
		"another size, the same CRC-32":  {crc(3, 1), crc(4, 1), inspect.Changed},
		"another CRC-32":                 {crc(3, 1), crc(3, 2), inspect.Changed},
		"the same CRC-32":                {crc(3, 1), crc(3, 1), inspect.Unchanged},
		"a file became a symlink":        {crc(3, 1), link, inspect.Changed},
		"a file became executable":       {crc(3, 1), executable, inspect.Unchanged},
		"the same digest":                {raw(3, "sha256:1"), raw(3, "sha256:1"), inspect.Unchanged},
		"another digest":                 {raw(3, "sha256:1"), raw(3, "sha256:2"), inspect.Changed},
		"no digest":                      {raw(3, ""), raw(3, ""), inspect.Unknown},
		"one digest":                     {raw(3, "sha256:1"), raw(3, ""), inspect.Unknown},
		"a digest, and a CRC-32":         {raw(3, "sha256:1"), crc(3, 1), inspect.Unknown},
		"no digest, but of another size": {raw(3, ""), raw(4, ""), inspect.Changed},
	} {
		if got := (inspect.Change{Before: tt.before, After: tt.after}).Kind(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestComparison(t *testing.T) {
	t.Parallel()
	items := []transfer.Item{
		item(11, 1, "dist", "sha256:a"), item(21, 2, "dist", "sha256:b"),
		item(12, 1, "report", "sha256:c"), item(22, 2, "report", "sha256:c"), // the same
		item(13, 1, "untold", ""), item(23, 2, "untold", ""), // perhaps the same
		item(24, 2, "app.jar", "sha256:d"), // only after
	}
	files := lister{lists: map[int64]transfer.Listing{
		11: archive(file("same", 1, 1), file("d/f", 1, 1), file("gone", 1, 1)),
		21: archive(file("same", 1, 1), file("d/f", 1, 2), file("d.txt", 1, 1)),
		13: archive(file("x", 1, 1)),
		23: archive(file("x", 1, 1)),
		24: {First: []unpack.Entry{file("app.jar", 5, 0)}, Raw: true},
	}}
	// said is a change as a line of text.
	said := func(d *inspect.Diff) (list []string) {
		for _, c := range d.Changes {
			list = append(list, string(c.Kind())+" "+c.Path+" of "+c.Artifact)
		}
		return list
	}
	for name, tt := range map[string]struct {
		before, after int64
		want          []string
	}{
		"forwards":  {1, 2, []string{"added app.jar/app.jar of app.jar", "changed dist/d/f of dist", "added dist/d.txt of dist", "removed dist/gone of dist"}},
		"backwards": {2, 1, []string{"removed app.jar/app.jar of app.jar", "changed dist/d/f of dist", "removed dist/d.txt of dist", "added dist/gone of dist"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lister := files
			d, err := inspect.Comparison{Lister: &lister, Before: tt.before, After: tt.after}.Diff(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, said(d)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if d.Before != tt.before || d.After != tt.after || d.Same != 2 || d.SameArtifacts != 1 {
				t.Errorf("%+v", d)
			}
			if !slices.Equal(lister.asked, []int64{11, 21, 13, 23, 24}) {
				t.Errorf("the files of %d were listed", lister.asked)
			}
		})
	}
}

// One name alone needs no directory, and a single file is known by its digest.
func TestComparisonOfOneName(t *testing.T) {
	t.Parallel()
	lister := &lister{lists: map[int64]transfer.Listing{
		1: {First: []unpack.Entry{file("a.bin", 5, 0)}, Raw: true},
		2: {First: []unpack.Entry{file("a.bin", 5, 0)}, Raw: true},
	}}
	d, err := inspect.Comparison{Lister: lister, Before: 1, After: 2, Flat: true}.Diff(t.Context(), []transfer.Item{item(1, 1, "a", "sha256:a"), item(2, 2, "a", "sha256:b")})
	want := &inspect.Diff{Before: 1, After: 2, Changes: []inspect.Change{{
		Path: "a.bin", Artifact: "a",
		Before: &inspect.Version{Size: 5, Digest: "sha256:a"}, After: &inspect.Version{Size: 5, Digest: "sha256:b"},
	}}}
	if diff := cmp.Diff(want, d); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestComparisonFails(t *testing.T) {
	t.Parallel()
	lister := &lister{err: errors.New("broken")}
	d, err := inspect.Comparison{Lister: lister, Before: 1, After: 2}.Diff(t.Context(), []transfer.Item{item(1, 1, "a", ""), item(2, 2, "a", "")})
	if !errors.Is(err, lister.err) || cmp.Diff(&inspect.Diff{Before: 1, After: 2}, d) != "" {
		t.Errorf("%+v, %v", d, err)
	}
}
