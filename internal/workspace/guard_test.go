//go:build unix

package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// No artifact writes files that Git or the runner would run, by whatever path it leads
// there. The workspace is ws; Guarded is temp/_runner_file_commands.
func TestPublishProtects(t *testing.T) {
	t.Parallel()
	repo := []string{".git/HEAD=ref", ".git/config=c", ".git/hooks/x=0", "src/a=0"}
	straight := func(lines ...string) []staged { return []staged{{"", lines}} }
	tests := map[string]struct {
		before []string
		dest   string
		trees  []staged
		ie     IfExists
		err    string // "": it is published
	}{
		"configuration":            {repo, ".", straight("a=1", ".git/config=evil"), Overwrite, `artifact "art0": entry ".git/config" would be written into ".git", which is Git's own and existed before`},
		"a new hook":               {repo, ".", straight(".git/hooks/post-checkout=evil"), Overwrite, `entry ".git/hooks/post-checkout"`},
		"skip":                     {repo, ".", straight(".git/hooks/post-checkout=evil"), Skip, `entry ".git/hooks/post-checkout"`},
		"fail":                     {repo, ".", straight(".git/hooks/post-checkout=evil"), Fail, `entry ".git/hooks/post-checkout"`},
		"an empty directory":       {repo, ".", straight(".git/"), Overwrite, `entry ".git"`},
		"a file in its place":      {repo, ".", straight(".git=gitdir: x"), Overwrite, `entry ".git"`},
		"a symlink in its place":   {repo, ".", straight(".git -> src"), Overwrite, `entry ".git"`},
		"other case":               {repo, ".", straight(".GIT/config=evil"), Overwrite, `entry ".GIT/config" would be written into ".git"`},
		"other case, there":        {[]string{".Git/config=c"}, ".", straight(".git/config=evil"), Overwrite, `would be written into ".Git"`},
		"a file there":             {[]string{"sub/.git=gitdir: ../x"}, ".", straight("sub/.git=gitdir: evil"), Overwrite, `entry "sub/.git" would be written into "sub/.git"`},
		"a directory over a file":  {[]string{"sub/.git=gitdir: ../x"}, ".", straight("sub/.git/config=evil"), Overwrite, `entry "sub/.git/config"`},
		"a symlink there":          {[]string{"g/config=c", ".git -> g"}, ".", straight(".git/config=evil"), Overwrite, `entry ".git/config"`},
		"a symlink there, by name": {[]string{"g/config=c", ".git -> g"}, ".", straight("g/config=evil"), Overwrite, `entry "g/config" would be written into "g"`},
		"dangling":                 {[]string{".git -> nowhere"}, ".", straight(".git=evil"), Overwrite, `entry ".git"`},
		"deep":                     {[]string{"out/a/b/.git/config=c"}, "out", straight("a/b/.git/config=evil"), Overwrite, `entry "a/b/.git/config" would be written into "out/a/b/.git"`},
		"an artifact's name":       {repo, ".", []staged{{".git", []string{"config=evil"}}}, Overwrite, `entry ".git/config"`},
		"an owner's name":          {repo, ".", []staged{{".git/hooks/x", []string{"config=evil"}}}, Overwrite, `entry ".git/hooks/x/config"`},
		"the second of two":        {repo, ".", []staged{{"", []string{"a=1"}}, {"", []string{".git/config=evil"}}}, Overwrite, `artifact "art1"`},
		"through a symlink":        {append(repo, "h -> .git/hooks"), ".", straight("h/post-checkout=evil"), Overwrite, `entry "h/post-checkout" would be written into ".git"`},
		"through one, whole":       {append(repo, "h -> .git"), ".", straight("h/new/x=evil"), Overwrite, `entry "h/new/x" would be written into ".git"`},
		"a symlink out of path":    {append(repo, "out/h -> ../.git/hooks"), "out", straight("h/x=evil"), Overwrite, `would be written into ".git"`},
		"path is such a symlink":   {append(repo, "out -> .git/hooks"), "out", straight("x=evil"), Overwrite, `leads through a symlink into`},
		"path goes through one":    {append(repo, "out -> .git"), "out/hooks", straight("x=evil"), Overwrite, `leads through a symlink into`},
		"its own directory":        {[]string{".git=gitdir: data\n", "data/HEAD=ref", "data/config=c"}, ".", straight("data/config=evil"), Overwrite, `entry "data/config" would be written into "data"`},
		"its own, read late":       {[]string{"z/.git=gitdir: ../data", "data/config=c"}, ".", straight("data/config=evil", "z/a=1"), Overwrite, `entry "data/config"`},
		"its own, from above":      {[]string{".git=gitdir: out/data", "out/data/config=c"}, "out", straight("data/config=evil"), Overwrite, `entry "data/config"`},
		"path is its own":          {[]string{".git=gitdir: data", "data/config=c"}, "data", straight("config=1"), Overwrite, ""},
		"a link to its own":        {[]string{".git=gitdir: data", "data/config=c", "out -> data"}, "out", straight("config=1"), Overwrite, `leads through a symlink into`},
		"a worktree's common":      {[]string{"wt/.git=gitdir: ../data/worktrees/wt", "data/worktrees/wt/commondir=../..\n", "data/config=c"}, ".", straight("data/config=evil", "wt/a=1"), Overwrite, `entry "data/config"`},
		"the runner's":             {[]string{"temp/_runner_file_commands/x=0"}, "temp", straight("_runner_file_commands/set_env_1=X=1"), Overwrite, `entry "_runner_file_commands/set_env_1" would be written into "temp/_runner_file_commands", which is the runner's own`},
		"the runner's, not there":  {[]string{"temp/x=0"}, "temp", straight("_Runner_File_Commands/set_env_1=X=1"), Overwrite, `which is the runner's own`},
		"the runner's, by a link":  {[]string{"temp/_runner_file_commands/x=0", "l -> temp/_runner_file_commands"}, ".", straight("l/set_env_1=X=1"), Overwrite, `which is the runner's own`},
		"path to it by a link":     {[]string{"temp/_runner_file_commands/x=0", "l -> temp/_runner_file_commands"}, "l", straight("set_env_1=X=1"), Overwrite, `leads into`},
		"path to the runner's":     {[]string{"temp/_runner_file_commands/x=0"}, "temp/_RUNNER_file_commands/new", straight("set_env_1=X=1"), Overwrite, `lies in`},

		"new":                    {[]string{"src/a=0"}, ".", straight(".git/config=1", "sub/.git=gitdir: ../.git/modules/sub"), Overwrite, ""},
		"new, below":             {repo, "out", straight(".git/config=1"), Overwrite, ""},
		"new, in a submodule":    {repo, ".", straight("src/.git/config=1"), Overwrite, ""},
		"other names":            {append(repo, ".gitignore=0", ".github/x=0"), ".", straight(".gitignore=1", ".github/x=1", "git/config=1", ".git2/config=1"), Overwrite, ""},
		"path lies in it":        {repo, ".git", straight("config=1", "hooks/y=1"), Overwrite, ""},
		"path lies deep in it":   {repo, ".git/hooks", straight("y=1"), Overwrite, ""},
		"path lies in it, new":   {repo, ".git/new/x", straight("y=1"), Overwrite, ""},
		"path in it, one nested": {append(repo, ".git/m/.git/config=c"), ".git", straight("m/.git/config=evil"), Overwrite, `would be written into ".git/m/.git"`},
		"path by a link, in it":  {[]string{"repo/.git/config=c", "l -> repo"}, "l/.git", straight("config=1"), Overwrite, ""},
		"beside the runner's":    {[]string{"temp/_runner_file_commands/x=0"}, "temp", straight("_runner_file_commands2/x=1", "_github_home/y=1"), Overwrite, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, tt.before...)
			before := snapshot(t, ws)
			err := publishGuarded(t, ws, tt.dest, tt.trees, tt.ie)
			if tt.err == "" {
				if err != nil || slices.Equal(before, snapshot(t, ws)) {
					t.Errorf("not published: %v", err)
				}
				return
			}
			_, protected := errors.AsType[*ProtectedError](err)
			if _, path := errors.AsType[*PathError](err); !protected && !path || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(before, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// publishGuarded publishes into a workspace with a runner's temp in it.
func publishGuarded(t *testing.T, ws, dest string, trees []staged, ie IfExists) error {
	t.Helper()
	d, err := Layout{Workspace: ws, Temp: filepath.Join(ws, "temp")}.Resolve(dest)
	if err != nil {
		return err
	}
	s, err := NewStage(d, StageOptions{})
	if err != nil {
		return err
	}
	t.Cleanup(func() { _ = s.Close() })
	s.before = func() error {
		for _, l := range visible(t, ws) {
			if strings.Contains(l, "evil") {
				t.Errorf("%s was there for a moment", l)
			}
		}
		return nil
	}
	list := mkTrees(t, s, trees)
	for i, tr := range trees {
		list[i].NoLinks = !strings.Contains(strings.Join(tr.content, "\n"), " -> ")
	}
	_, err = s.Publish(t.Context(), list, ie)
	return errors.Join(err, s.Close())
}

// A file system that folds names has other names for a .git, too. A hard link stands for
// such a name.
func TestPublishProtectsAliases(t *testing.T) {
	t.Parallel()
	ws := testdir.InMemory(t)
	write(t, ws, "sub/.git=gitdir: ../x")
	if err := os.Link(ws+"/sub/.git", ws+"/sub/.g\u200cit"); err != nil {
		t.Skip(err)
	}
	err := publishGuarded(t, ws, ".", []staged{{"", []string{"sub/.g\u200cit=evil"}}}, Overwrite)
	if _, ok := errors.AsType[*ProtectedError](err); !ok {
		t.Errorf("got %v", err)
	}
}

// Foresee refuses, before trees have files, what follows from their places.
func TestForesee(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before []string
		dest   string
		to     []string
		err    string
	}{
		"nothing there":      {nil, "out", []string{"a", "b"}, ""},
		"there":              {[]string{"out/a/x=0", "out/.git/x=0"}, "out", []string{"a", "b"}, ""},
		"straight":           {[]string{"out/.git/x=0"}, "out", []string{""}, ""},
		"named .git":         {[]string{"out/.git/x=0"}, "out", []string{"a", ".git"}, `artifact "1": entry ".git" would be written`},
		"a file":             {[]string{"out/a=0"}, "out", []string{"a"}, `"a" is a file already`},
		"a symlink":          {[]string{"out/a -> /etc"}, "out", []string{"a"}, `"a" is a symlink that cannot be followed`},
		"through a symlink":  {[]string{"out/a -> b", "out/b/x=0"}, "out", []string{"a"}, ""},
		"into .git by a lnk": {[]string{"out/a -> .git/x", "out/.git/x/y=0"}, "out", []string{"a"}, `would be written into "out/.git"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, tt.before...)
			s, _, err := stage(t, ws, tt.dest, StageOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var trees []Tree
			for i, to := range tt.to {
				trees = append(trees, Tree{To: to, Label: string(rune('0' + i))})
			}
			if err := s.Foresee(t.Context(), trees); tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

// The report lists what goes into a .github that existed before.
func TestPublishReportsGitHub(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, tree []string
		ie           IfExists
		want         []Placed
	}{
		"replaced":    {[]string{".github/a=0"}, []string{".github/a=1", "b=1"}, Overwrite, []Placed{{".github/a", Holder{0, "art0"}}}},
		"added":       {[]string{".github/a=0"}, []string{".github/b=1", ".github/c/d=1"}, Overwrite, []Placed{{".github/b", Holder{0, "art0"}}, {".github/c", Holder{0, "art0"}}}},
		"below":       {[]string{"x/.GitHub/d/a=0"}, []string{"x/.GitHub/d/b=1"}, Overwrite, []Placed{{"x/.GitHub/d/b", Holder{0, "art0"}}}},
		"by a link":   {[]string{".github/a=0", "l -> .github"}, []string{"l/b=1"}, Overwrite, []Placed{{"l/b", Holder{0, "art0"}}}},
		"the link":    {[]string{"g/a=0", ".github -> g"}, []string{".github=1"}, Overwrite, []Placed{{".github", Holder{0, "art0"}}}},
		"skipped":     {[]string{".github/a=0"}, []string{".github/a=1"}, Skip, nil},
		"new":         {nil, []string{".github/a=1"}, Overwrite, nil},
		"other names": {[]string{".github2/a=0"}, []string{".github2/a=1"}, Overwrite, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, tt.before...)
			report, err := publish(t.Context(), t, ws, ".", []staged{{"", tt.tree}}, tt.ie, nil)
			if diff := cmp.Diff(tt.want, report.GitHub); err != nil || diff != "" || report.InGitHub != len(tt.want) {
				t.Errorf("%v, %d: %s", err, report.InGitHub, diff)
			}
		})
	}
}

// The report says for each tree which files are not in the destination.
func TestPublishReportsLost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before []string
		trees  []staged
		ie     IfExists
		want   []Lost
	}{
		"nothing":            {nil, []staged{{"", []string{"a=1"}}}, Overwrite, []Lost{{}}},
		"replacing":          {[]string{"a=0"}, []staged{{"", []string{"a=1"}}}, Overwrite, []Lost{{}}},
		"skipped":            {[]string{"a=0", "d/b=0"}, []staged{{"", []string{"d/b=1", "a=1", "c=1"}}}, Skip, []Lost{{2, "a", ""}}},
		"skipped, the same":  {[]string{"a=1"}, []staged{{"", []string{"a=1"}}}, Skip, []Lost{{1, "a", ""}}},
		"skipped, a symlink": {[]string{"a -> b"}, []staged{{"", []string{"a -> b"}}}, Skip, []Lost{{1, "a", ""}}},
		"merged":             {[]string{"x=0"}, []staged{{"", []string{"a=1"}}, {"", []string{"a=2", "b=2"}}, {"", []string{"c=3"}}}, Overwrite, []Lost{{}, {1, "a", "art0"}, {}}},
		"merged, new":        {nil, []staged{{"d", []string{"e/a=1"}}, {"", []string{"d/e/a=2", "d/b=2"}}}, Overwrite, []Lost{{}, {1, "d/e/a", "art0"}}},
		"merged, skipped":    {[]string{"a=0"}, []staged{{"", []string{"a=1"}}, {"", []string{"a=2"}}}, Skip, []Lost{{1, "a", ""}, {1, "a", ""}}},
		"merged and skip":    {[]string{"z=0"}, []staged{{"", []string{"a=1"}}, {"", []string{"a=2"}}}, Skip, []Lost{{}, {1, "a", "art0"}}},
		"links looked at":    {[]string{"z=0"}, []staged{{"", []string{"a=1", "l -> a"}}, {"", []string{"a=2", "l -> a"}}}, Overwrite, []Lost{{}, {2, "a", "art0"}}},
		"empty":              {[]string{"d/x=0"}, []staged{{"", nil}, {"", []string{"d/"}}}, Skip, []Lost{{}, {}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, tt.before...)
			report, err := publish(t.Context(), t, ws, ".", tt.trees, tt.ie, nil)
			if diff := cmp.Diff(tt.want, report.Lost); err != nil || diff != "" {
				t.Errorf("%v: %s", err, diff)
			}
		})
	}
}

// Publish looks again at what Foresee has looked at.
func TestForeseeRemembersNothing(t *testing.T) {
	t.Parallel()
	ws := testdir.InMemory(t)
	write(t, ws, "out/d/e/x=0")
	s, trees, err := stage(t, ws, "out", StageOptions{}, staged{"d/e", []string{"y=1"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Foresee(t.Context(), []Tree{{To: "d/e"}}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(ws+"/out/d", ws+"/out/old"); err != nil {
		t.Fatal(err)
	}
	write(t, ws, "out/d/e/z=0")
	if _, err := s.Publish(t.Context(), trees, Overwrite); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"out/d/e/y=1", "out/d/e/z=0", "out/old/e/x=0"}
	if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}
