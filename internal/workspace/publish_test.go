//go:build unix

package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	one := func(lines ...string) []staged { return []staged{{"", lines}} }
	tests := map[string]struct {
		before []string
		dest   string
		trees  []staged
		ie     IfExists
		want   []string // nil: as before
		report string
		err    string
	}{
		"into nothing":        {nil, "out", one("a=1", "d/b=2", "e/"), Overwrite, []string{"out/a=1", "out/d/b=2", "out/e/"}, "0 0 []", ""},
		"deep into nothing":   {[]string{"x/y=0"}, "x/out/deep", one("a=1"), Overwrite, []string{"x/out/deep/a=1", "x/y=0"}, "0 0 []", ""},
		"into the workspace":  {[]string{"src=0"}, ".", one("a=1", "d/b=2"), Overwrite, []string{"a=1", "d/b=2", "src=0"}, "0 0 []", ""},
		"into a directory":    {[]string{"out/a=0", "out/d/c=0"}, "out", one("a=1", "d/b=2"), Overwrite, []string{"out/a=1", "out/d/b=2", "out/d/c=0"}, "1 0 []", ""},
		"nothing at all":      {nil, "out", one(), Overwrite, []string{"out/"}, "0 0 []", ""},
		"no tree":             {nil, "out", nil, Overwrite, nil, "0 0 []", ""},
		"skip":                {[]string{"out/a=0"}, "out", one("a=1", "b=2"), Skip, []string{"out/a=0", "out/b=2"}, "0 1 []", ""},
		"fail":                {[]string{"out/a=0", "out/d/x=0"}, "out", one("a=1", "b=2", "d/x=3"), Fail, nil, "", `2 files are already there: "a", "d/x"`},
		"fail, nothing there": {[]string{"out/c=0", "out/d/y=0"}, "out", one("a=1", "d/x=1"), Fail, []string{"out/a=1", "out/c=0", "out/d/x=1", "out/d/y=0"}, "0 0 []", ""},
		"no UTF-8":            {[]string{"out/\xff/y=0"}, "out", one("\xff/x=1", "\xfe/\xfd=2"), Overwrite, []string{"out/\xfe/\xfd=2", "out/\xff/x=1", "out/\xff/y=0"}, "0 0 []", ""},

		"two trees":          {nil, "out", []staged{{"x", []string{"a=1"}}, {"y", []string{"a=2"}}}, Overwrite, []string{"out/x/a=1", "out/y/a=2"}, "0 0 []", ""},
		"nested trees":       {nil, ".", []staged{{"o/r/x", []string{"a=1"}}, {"o/s/x", []string{"a=2"}}}, Overwrite, []string{"o/r/x/a=1", "o/s/x/a=2"}, "0 0 []", ""},
		"tree in a tree":     {nil, "out", []staged{{"", []string{"d/a=1"}}, {"d", []string{"b=2"}}}, Overwrite, []string{"out/d/a=1", "out/d/b=2"}, "0 0 []", ""},
		"tree around a tree": {nil, "out", []staged{{"d", []string{"a=new"}}, {"", []string{"d/a=old", "d/b=2"}}}, Overwrite, []string{"out/d/a=new", "out/d/b=2"}, "0 0 [{d/a art0 art1}]", ""},
		"merge":              {nil, "out", []staged{{"", []string{"a=1", "d/x=1"}}, {"", []string{"b=2", "d/y=2"}}}, Overwrite, []string{"out/a=1", "out/b=2", "out/d/x=1", "out/d/y=2"}, "0 0 []", ""},
		"merge, newest wins": {nil, "out", []staged{{"", []string{"a=new", "d/x=new"}}, {"", []string{"a=old", "d/x=old"}}}, Overwrite, []string{"out/a=new", "out/d/x=new"}, "0 0 [{a art0 art1} {d/x art0 art1}]", ""},
		"merge, three":       {nil, ".", []staged{{"", []string{"a=3"}}, {"", []string{"a=2"}}, {"", []string{"a=1"}}}, Skip, []string{"a=3"}, "0 0 [{a art0 art1}]", ""},
		"merge, skip":        {[]string{"a=0"}, ".", []staged{{"", []string{"a=2"}}, {"", []string{"a=1"}}}, Skip, []string{"a=0"}, "0 1 []", ""},
		"merge, fail":        {nil, "out", []staged{{"", []string{"a=new"}}, {"", []string{"a=old"}}}, Fail, nil, "", `artifacts have files of the same name: "a" is in "art0" and in "art1"`},
		"merge, fail, both":  {[]string{"b=0"}, ".", []staged{{"", []string{"a=2", "b=2"}}, {"", []string{"a=1"}}}, Fail, nil, "", `"b" is already there; artifacts have files of the same name: "a"`},
		"merge, clash":       {nil, "out", []staged{{"", []string{"a=1"}}, {"", []string{"a/b=2"}}}, Overwrite, nil, "", `"a" is a directory in one artifact and a file in another ("art0", "art1")`},
		"merge into there":   {[]string{"out/a=0"}, "out", []staged{{"", []string{"a=new"}}, {"", []string{"a=old"}}}, Overwrite, []string{"out/a=new"}, "1 0 [{a art0 art1}]", ""},

		"file on directory":   {[]string{"out/a/x=0"}, "out", one("a=1", "0=1"), Overwrite, nil, "", `"a" is a directory already, and artifact "art0" has a file of that name`},
		"... skip":            {[]string{"out/a/x=0"}, "out", one("a=1"), Skip, nil, "", `"a" is a directory already`},
		"directory on file":   {[]string{"out/a=0"}, "out", one("a/x=1", "0=1"), Overwrite, nil, "", `"a" is a file already, and artifact "art0" has a directory of that name`},
		"deep clash":          {[]string{"out/a/b=0"}, "out", []staged{{"a", []string{"b/c=1"}}}, Overwrite, nil, "", `"a/b" is a file already`},
		"destination a file":  {[]string{"out=0"}, "out", one("a=1"), Overwrite, nil, "", `path "out" is a file, where a directory is needed`},
		"below a file":        {[]string{"out=0"}, "out/x", one("a=1"), Overwrite, nil, "", `path "out/x" leads through out, which is a file`},
		"tree up":             {nil, "out", []staged{{"../x", []string{"a=1"}}}, Overwrite, nil, "", `"../x" is not a path below the destination`},
		"tree absolute":       {nil, "out", []staged{{"/x", []string{"a=1"}}}, Overwrite, nil, "", `is not a path below`},
		"symlinks published":  {nil, "out", one("a=1", "l -> a", "g -> nowhere"), Overwrite, []string{"out/a=1", "out/g -> nowhere", "out/l -> a"}, "0 0 []", ""},
		"symlink through art": {nil, "out", []staged{{"", []string{"d -> e"}}, {"", []string{"d/x=1"}}}, Overwrite, nil, "", `"d" is a directory in one artifact and a file in another`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			if name == "no UTF-8" && !takesAnyName(t, ws) {
				t.Skip("this file system takes names in UTF-8 only")
			}
			write(t, ws, tt.before...)
			before := snapshot(t, ws)
			report, err := publish(t.Context(), t, ws, tt.dest, tt.trees, tt.ie, nil)
			want := tt.want
			if want == nil {
				want = before
			}
			if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
			checkOutcome(t, report, err, tt.report, tt.err)
		})
	}
}

// takesAnyName reports whether the file system accepts names that are not UTF-8. On Linux
// it must: a test that was skipped there would not be missed.
func takesAnyName(t *testing.T, dir string) bool {
	t.Helper()
	name := filepath.Join(dir, "\xff")
	err := os.Mkdir(name, 0o700)
	if err == nil {
		err = os.Remove(name)
	}
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return err == nil
}

func checkOutcome(t *testing.T, report Report, err error, wantReport, wantErr string) {
	t.Helper()
	if wantErr != "" {
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("got %v, want %q", err, wantErr)
		}
		return
	}
	conflicts := make([]string, len(report.Conflicts))
	for i, c := range report.Conflicts {
		conflicts[i] = fmt.Sprintf("{%s %s %s}", c.Path, c.Winner.Label, c.Losers[0].Label)
	}
	if got := fmt.Sprint(report.Replaced, report.Skipped, conflicts); err != nil || got != wantReport {
		t.Errorf("%s, %v; want %s", got, err, wantReport)
	}
}

// This is what becomes of existing symlinks. The workspace is ws; beside it lies outside,
// with a file x, which must stay as it is.
func TestPublishMeetsSymlinks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before []string
		dest   string
		trees  [][]string // all straight into dest
		ie     IfExists
		want   []string // nil: as before
		report string
		err    string
	}{
		// At the end of a path the symlink itself counts as the existing file.
		"file":                {[]string{"out/a -> ../keep", "keep=0"}, "out", [][]string{{"a=1"}}, Overwrite, []string{"keep=0", "out/a=1"}, "1 0 []", ""},
		"file, skip":          {[]string{"out/a -> ../keep", "keep=0"}, "out", [][]string{{"a=1"}}, Skip, nil, "0 1 []", ""},
		"file, fail":          {[]string{"out/a -> ../keep", "keep=0"}, "out", [][]string{{"a=1"}}, Fail, nil, "", `"a" is already there`},
		"file outside":        {[]string{"out/a -> ../../outside/x"}, "out", [][]string{{"a=1"}}, Overwrite, []string{"out/a=1"}, "1 0 []", ""},
		"file outside, skip":  {[]string{"out/a -> ../../outside/x"}, "out", [][]string{{"a=1"}}, Skip, nil, "0 1 []", ""},
		"file, absolute":      {[]string{"out/a -> /etc/passwd"}, "out", [][]string{{"a=1"}}, Overwrite, []string{"out/a=1"}, "1 0 []", ""},
		"dangling":            {[]string{"out/a -> nowhere"}, "out", [][]string{{"a=1"}}, Overwrite, []string{"out/a=1"}, "1 0 []", ""},
		"dangling, skip":      {[]string{"out/a -> nowhere"}, "out", [][]string{{"a=1"}}, Skip, nil, "0 1 []", ""},
		"dangling, fail":      {[]string{"out/a -> nowhere"}, "out", [][]string{{"a=1"}}, Fail, nil, "", `"a" is already there`},
		"to a directory":      {[]string{"out/a -> ../real", "real/x=0"}, "out", [][]string{{"a=1"}}, Overwrite, []string{"out/a=1", "real/x=0"}, "1 0 []", ""},
		"by a symlink":        {[]string{"out/a -> nowhere"}, "out", [][]string{{"a -> b", "b=1"}}, Overwrite, []string{"out/a -> b", "out/b=1"}, "1 0 []", ""},
		"a file by a symlink": {[]string{"out/a=0"}, "out", [][]string{{"a -> b"}}, Overwrite, []string{"out/a -> b"}, "1 0 []", ""},

		// On the way it is followed, inside of the root.
		"directory":                {[]string{"out/d -> ../real", "real/x=0"}, "out", [][]string{{"d/y=1", "d/e/z=2"}}, Overwrite, []string{"out/d -> ../real", "real/e/z=2", "real/x=0", "real/y=1"}, "0 0 []", ""},
		"directory, chain":         {[]string{"out/d -> e", "out/e -> ./../real/.", "real/x=0"}, "out", [][]string{{"d/x=1"}}, Overwrite, []string{"out/d -> e", "out/e -> ./../real/.", "real/x=1"}, "1 0 []", ""},
		"directory, through other": {[]string{"l -> real", "out/d -> ../l/sub", "real/sub/x=0"}, "out", [][]string{{"d/y=1"}}, Overwrite, []string{"l -> real", "out/d -> ../l/sub", "real/sub/x=0", "real/sub/y=1"}, "0 0 []", ""},
		"directory, skip":          {[]string{"out/d -> ../real", "real/x=0"}, "out", [][]string{{"d/x=1"}}, Skip, nil, "0 1 []", ""},
		"directory, fail":          {[]string{"out/d -> ../real", "real/x=0"}, "out", [][]string{{"d/x=1"}}, Fail, nil, "", `"d/x" is already there`},
		"directory outside":        {[]string{"out/d -> ../../outside"}, "out", [][]string{{"a=1", "d/y=1"}}, Overwrite, nil, "", `"d" is a symlink that cannot be followed inside of`},
		"directory outside, deep":  {[]string{"out/d -> e", "out/e/f -> ../../../outside", "g -> out/e/f"}, ".", [][]string{{"a=1", "g/y=1"}}, Overwrite, nil, "", `"g" is a symlink that cannot be followed`},
		"out and in again":         {[]string{"out/d -> ../../ws/real", "real/x=0"}, "out", [][]string{{"d/y=1"}}, Overwrite, nil, "", `it leads outside`},
		"directory, absolute":      {[]string{"out/d -> /etc"}, "out", [][]string{{"d/y=1"}}, Overwrite, nil, "", `it leads outside`},
		"directory dangling":       {[]string{"out/d -> nowhere"}, "out", [][]string{{"d/y=1"}}, Overwrite, nil, "", `"d" is a symlink that cannot be followed inside of`},
		"directory, loop":          {[]string{"out/d -> e", "out/e -> d"}, "out", [][]string{{"d/y=1"}}, Overwrite, nil, "", `leads to itself`},
		"directory, to a file":     {[]string{"out/d -> ../keep", "keep=0"}, "out", [][]string{{"d/y=1"}}, Overwrite, nil, "", `"d" is a file already`},
		"directory, up from file":  {[]string{"out/d -> ../keep/../real", "keep=0", "real/x=0"}, "out", [][]string{{"d/y=1"}}, Overwrite, nil, "", `it goes up ("..") from a path that is not a directory`},
		"directory, below a file":  {[]string{"out/d -> ../keep/x", "keep=0"}, "out", [][]string{{"d/y=1"}}, Overwrite, nil, "", `"d" is a symlink that cannot be followed inside of`},
		"directory, itself":        {[]string{"d -> ."}, ".", [][]string{{"d/y=1"}}, Overwrite, []string{"d -> .", "y=1"}, "0 0 []", ""},

		// One place by two names.
		"alias, other files":   {[]string{"d -> real", "real/k=0"}, ".", [][]string{{"d/x=1", "real/y=2"}}, Overwrite, []string{"d -> real", "real/k=0", "real/x=1", "real/y=2"}, "0 0 []", ""},
		"alias, same new file": {[]string{"d -> real", "real/k=0"}, ".", [][]string{{"d/x=new"}, {"real/x=old"}}, Overwrite, nil, "", `"real/x" and "d/x" are the same place`},
		"alias, same old file": {[]string{"d -> real", "real/x=0"}, ".", [][]string{{"d/x=new"}, {"real/x=old"}}, Overwrite, nil, "", `"real/x" and "d/x" are the same place`},
		"alias, same new dir":  {[]string{"d -> real", "real/k=0"}, ".", [][]string{{"d/e/x=new"}, {"real/e/y=old"}}, Overwrite, nil, "", `"real/e" and "d/e" are the same place`},
		"way replaced":         {[]string{"d -> real", "e -> d/sub", "real/sub/x=0"}, ".", [][]string{{"d=1", "e/x=1"}}, Overwrite, []string{"d=1", "e -> d/sub", "real/sub/x=1"}, "2 0 []", ""},

		// The destination itself.
		"destination":           {[]string{"out -> real", "real/x=0"}, "out", [][]string{{"y=1"}}, Overwrite, []string{"out -> real", "real/x=0", "real/y=1"}, "0 0 []", ""},
		"destination, deeper":   {[]string{"out -> real", "real/x=0"}, "out/new", [][]string{{"y=1"}}, Overwrite, []string{"out -> real", "real/new/y=1", "real/x=0"}, "0 0 []", ""},
		"destination outside":   {[]string{"out -> ../outside"}, "out", [][]string{{"y=1"}}, Overwrite, nil, "", `path "out" leads through out, a symlink that is not followed inside of`},
		"destination absolute":  {[]string{"out -> /etc"}, "out/sub", [][]string{{"y=1"}}, Overwrite, nil, "", `path "out/sub" leads through out, a symlink that is not followed inside of`},
		"destination dangling":  {[]string{"out -> nowhere"}, "out", [][]string{{"y=1"}}, Overwrite, nil, "", `a symlink to nothing`},
		"destination up a file": {[]string{"out -> keep/../real", "keep=0", "real/x=0"}, "out", [][]string{{"y=1"}}, Overwrite, nil, "", `path "out" leads through out, a symlink that is not followed inside of`},
		"destination to a file": {[]string{"out -> keep", "keep=0"}, "out", [][]string{{"y=1"}}, Overwrite, nil, "", `is a file, where a directory is needed`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			ws, outside := filepath.Join(top, "ws"), filepath.Join(top, "outside")
			write(t, top, "ws/", "outside/x=not yours")
			write(t, ws, tt.before...)
			before, around := snapshot(t, ws), exact(t, outside)
			trees := make([]staged, len(tt.trees))
			for i, content := range tt.trees {
				trees[i] = staged{"", content}
			}
			report, err := publish(t.Context(), t, ws, tt.dest, trees, tt.ie, nil)
			want := tt.want
			if want == nil {
				want = before
			}
			if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(around, exact(t, outside)); diff != "" {
				t.Errorf("outside of the workspace: %s", diff)
			}
			checkOutcome(t, report, err, tt.report, tt.err)
		})
	}
}

// A new directory appears in one rename with all of its content, so another process sees
// nothing of it or everything.
func TestPublishNewDirectoriesAtOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		dest  string
		trees []staged
	}{
		"one tree":         {"out", []staged{{"", []string{"a=1", "d/b=2"}}}},
		"deeper":           {"x/y/out", []staged{{"", []string{"a=1", "d/b=2"}}}},
		"named":            {"out", []staged{{"n", []string{"a=1"}}, {"m", []string{"a=2"}}}},
		"runs":             {"out", []staged{{"1/n", []string{"a=1"}}, {"2/n", []string{"a=2"}}}},
		"merged":           {"out", []staged{{"", []string{"a=1", "d/b=2"}}, {"", []string{"c=1", "d/e=2"}}}},
		"in the workspace": {".", []staged{{"n", []string{"a=1", "d/b=2"}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			write(t, ws, "kept=0")
			seen := map[string]bool{}
			look := func() error {
				seen[strings.Join(visible(t, ws), "\n")] = true
				return nil
			}
			if _, err := publish(t.Context(), t, ws, tt.dest, tt.trees, Fail, look); err != nil {
				t.Fatal(err)
			}
			delete(seen, strings.Join(visible(t, ws), "\n"))
			if diff := cmp.Diff(map[string]bool{"kept=0": true}, seen); diff != "" {
				t.Errorf("seen on the way: %s", diff)
			}
		})
	}
}

// visible is a snapshot without the stage.
func visible(t testing.TB, ws string) []string {
	t.Helper()
	var list []string
	for _, l := range snapshot(t, ws) {
		if !strings.HasPrefix(l, ".artifetch-") {
			list = append(list, l)
		}
	}
	return list
}

// A refused publication changes nothing, not even for a moment.
func TestPublishRefusesFirst(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before []string
		tree   []string
		ie     IfExists
	}{
		"exists":            {[]string{"z=0"}, []string{"a=1", "z=1"}, Fail},
		"file on directory": {[]string{"z/x=0"}, []string{"a=1", "z=1"}, Overwrite},
		"directory on file": {[]string{"z=0"}, []string{"a=1", "z/x=1"}, Overwrite},
		"symlink out":       {[]string{"z -> /"}, []string{"a=1", "z/x=1"}, Overwrite},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			write(t, ws, tt.before...)
			_, err := publish(t.Context(), t, ws, ".", []staged{{"", tt.tree}}, tt.ie, func() error {
				t.Error("a change was made")
				return nil
			})
			_, clash := errors.AsType[*ClashError](err)
			if _, exists := errors.AsType[*ExistsError](err); !clash && !exists {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPublishCancelled(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the job was cancelled")
	cancel(why)
	for _, dest := range []string{".", "out"} {
		if _, err := publish(ctx, t, ws, dest, []staged{{"", []string{"a=1"}}}, Overwrite, nil); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	}
	if got := snapshot(t, ws); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestExistsErrorIsShort(t *testing.T) {
	t.Parallel()
	e := &ExistsError{}
	for i := range 25 {
		e.addPath(fmt.Sprintf("%02d", 24-i))
		e.addConflict(Conflict{Path: fmt.Sprintf("%02d", 24-i), Winner: Holder{0, "x"}, Losers: []Holder{{1, "y"}}, Lost: 1})
	}
	got := e.Error()
	if strings.Count(got, "and 15 more") != 2 || strings.Contains(got, `"10"`) || !strings.HasPrefix(got, `25 files are already there: "00", "01", `) {
		t.Error(got)
	}
}
