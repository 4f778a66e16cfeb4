//go:build unix

package workspace

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/symlink"
	"github.com/artifetch/artifetch/internal/testdir"
)

// Published symlinks stay in the destination, whatever else is in it by then. The workspace
// is ws; beside it lies a file "secret".
func TestPublishLinks(t *testing.T) {
	t.Parallel()
	many := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("l%02d -> l%02d", i, i+1))
		}
		return append(lines, fmt.Sprintf("l%02d=end", n))
	}
	tests := map[string]struct {
		before []string
		dest   string
		trees  []staged
		ie     IfExists
		err    string // "": it is published, all of it
	}{
		"to a file":             {nil, "out", []staged{{"", []string{"a=1", "d/l -> ../a"}}}, Overwrite, ""},
		"to the top":            {nil, "out", []staged{{"", []string{"d/l -> .."}}}, Overwrite, ""},
		"up from a directory":   {nil, "out", []staged{{"", []string{"a=1", "d/x=1", "l -> d/../a"}}}, Overwrite, ""},
		"through another":       {nil, "out", []staged{{"", []string{"v/1/x=1", "v/now -> 1", "x -> v/now/x"}}}, Overwrite, ""},
		"to nothing":            {nil, "out", []staged{{"", []string{"l -> no/such/thing"}}}, Overwrite, ""},
		"below a file":          {nil, "out", []staged{{"", []string{"a=1", "l -> a/x"}}}, Overwrite, ""},
		"odd, but sound":        {nil, "out", []staged{{"", []string{"d/x=1", "l -> .//d/./"}}}, Overwrite, ""},
		"into the workspace":    {[]string{"a=0"}, ".", []staged{{"", []string{"d/l -> ../a"}}}, Overwrite, ""},
		"as many as may be":     {nil, "out", []staged{{"", many(symlink.MaxFollowed)}}, Overwrite, ""},
		"too many":              {nil, "out", []staged{{"", many(symlink.MaxFollowed + 1)}}, Overwrite, `artifact "art0": entry "l00": its target "l01" goes through too many symlinks`},
		"a loop":                {nil, "out", []staged{{"", []string{"a -> b", "b -> a", "c -> c/x"}}}, Overwrite, ""},
		"a loop, then up":       {nil, "out", []staged{{"", []string{"a -> b/../../x", "b -> a"}}}, Overwrite, `goes through too many symlinks`},
		"absolute":              {nil, "out", []staged{{"", []string{"l -> /etc/passwd"}}}, Overwrite, `artifact "art0": entry "l": its target "/etc/passwd" leaves the destination`},
		"up and out":            {nil, "out", []staged{{"", []string{"d/l -> ../../x"}}}, Overwrite, `artifact "art0": entry "d/l": its target "../../x" leaves the destination`},
		"out of it, deep":       {nil, "x/y/out", []staged{{"n", []string{"d/l -> ../../../x"}}}, Overwrite, `entry "d/l": its target "../../../x" leaves the destination`},
		"to another artifact":   {nil, "out", []staged{{"n", []string{"l -> ../m/x"}}, {"m", []string{"x=1"}}}, Overwrite, ""},
		"where directories are": {[]string{"out/d/x=0"}, "out", []staged{{"", []string{"d/l -> ../../secret"}}}, Overwrite, `entry "d/l": its target "../../secret" leaves the destination`},

		// Through links of other artifacts.
		"merged":           {nil, "out", []staged{{"", []string{"p/q/s -> ../..", "a=1"}}, {"", []string{"l -> p/q/s/../../secret", "p/q/t=1"}}}, Overwrite, `artifact "art1": entry "l": its target "p/q/s/../../secret" goes up ("..") from a path that is not a directory`},
		"merged, turned":   {nil, "out", []staged{{"", []string{"l -> p/q/s/../../secret", "p/q/t=1"}}, {"", []string{"p/q/s -> ../..", "a=1"}}}, Overwrite, `artifact "art0": entry "l"`},
		"merged, there":    {[]string{"out/p/q/x=0"}, "out", []staged{{"", []string{"p/q/s -> ../.."}}, {"", []string{"l -> p/q/s/../../secret"}}}, Overwrite, `artifact "art1": entry "l"`},
		"merged, inside":   {nil, "out", []staged{{"", []string{"p/q/s -> ../..", "a=1"}}, {"", []string{"l -> p/q/s/a"}}}, Overwrite, ""},
		"merged, a loop":   {nil, "out", []staged{{"", []string{"a -> b"}}, {"", []string{"b -> a"}}}, Overwrite, ""},
		"by its own names": {nil, "out", []staged{{"a/b", []string{"x=1"}}, {"", []string{"l -> a/b/../../x"}}}, Overwrite, ""},
		"names, and out":   {nil, "out", []staged{{"a/b", []string{"x=1"}}, {"", []string{"l -> a/b/../../../x"}}}, Overwrite, `leaves the destination`},

		// A path that does not exist may be a symlink after the next step.
		"up from nothing":     {nil, "out", []staged{{"", []string{"a=1", "l -> d/../a"}}}, Overwrite, `entry "l": its target "d/../a" goes up ("..") from a path that is not a directory`},
		"up from a symlink":   {nil, "out", []staged{{"", []string{"a=1", "d/e/x=1", "s -> d/e", "l -> s/../../a"}}}, Overwrite, `entry "l": its target "s/../../a" goes up ("..") from a path that is not a directory`},
		"up, after a symlink": {nil, "out", []staged{{"", []string{"a=1", "d/e/x=1", "s -> d", "l -> s/e/../../a"}}}, Overwrite, `goes up ("..") from a path that is not a directory`},
		"up from a file":      {nil, "out", []staged{{"", []string{"a=1", "l -> a/../a"}}}, Overwrite, `goes up ("..") from a path that is not a directory`},

		// Through what was in the destination.
		"a symlink there, inside":     {[]string{"out/d -> e", "out/e/x=0"}, "out", []staged{{"", []string{"l -> d/x"}}}, Overwrite, ""},
		"a symlink there, out":        {[]string{"out/d -> ../real", "real/x=0"}, "out", []staged{{"", []string{"l -> d/x"}}}, Overwrite, `entry "l": its target "d/x" leaves the destination`},
		"a symlink there, absolute":   {[]string{"out/d -> /etc"}, "out", []staged{{"", []string{"l -> d/passwd"}}}, Overwrite, `leaves the destination`},
		"a symlink there, replaced":   {[]string{"out/d -> /etc"}, "out", []staged{{"", []string{"d=1", "l -> d"}}}, Overwrite, ""},
		"a symlink there, kept":       {[]string{"out/d -> /etc", "out/l=0"}, "out", []staged{{"", []string{"d=1", "m -> d"}}}, Skip, `entry "m": its target "d" leaves the destination`},
		"kept in its place":           {[]string{"out/l=0"}, "out", []staged{{"", []string{"l -> /etc/passwd"}}}, Skip, ""},
		"placed by a symlink":         {[]string{"out/d -> e/f", "out/e/f/x=0"}, "out", []staged{{"", []string{"d/l -> ../../a", "a=1"}}}, Overwrite, ""},
		"placed by a symlink, out":    {[]string{"out/d/e/f -> ../../g", "out/g/x=0"}, "out", []staged{{"", []string{"d/e/f/l -> ../../../a", "a=1"}}}, Overwrite, `entry "d/e/f/l": its target "../../../a" leaves the destination`},
		"placed elsewhere":            {[]string{"out/d -> ../real", "real/x=0"}, "out", []staged{{"", []string{"d/l -> x", "d/e/m -> ../x"}}}, Overwrite, ""},
		"placed elsewhere, and up":    {[]string{"out/d -> ../real", "real/x=0"}, "out", []staged{{"", []string{"d/l -> ../y", "y=1"}}}, Overwrite, `entry "d/l": its target "../y" leaves the destination`},
		"the destination is a link":   {[]string{"out -> a/b", "a/b/x=0"}, "out", []staged{{"", []string{"d/l -> ../x"}}}, Overwrite, ""},
		"the destination's, and up":   {[]string{"out -> a/b", "a/b/x=0"}, "out", []staged{{"", []string{"d/l -> ../../x"}}}, Overwrite, `leaves the destination`},
		"below a name with a dot":     {[]string{"out/d./x=0"}, "out", []staged{{"", []string{"d./l -> /etc/passwd"}}}, Overwrite, `entry "d./l": its target "/etc/passwd" leaves the destination`},
		"below an odd name":           {[]string{"out/d./.../x=0"}, "out", []staged{{"", []string{"d./.../l -> ../../../secret"}}}, Overwrite, `entry "d./.../l"`},
		"a loser is not looked at":    {nil, "out", []staged{{"", []string{"d/l=1", "d/x=1"}}, {"", []string{"d/l -> /etc/passwd", "d/y=1"}}}, Overwrite, ""},
		"a loser of what is merged":   {[]string{"out/x=0"}, "out", []staged{{"", []string{"l=1"}}, {"", []string{"l -> /etc/passwd"}}}, Overwrite, ""},
		"directories without rights":  {nil, "out", []staged{{"", []string{"0300 d/", "d/l -> ../a", "a=1"}}}, Overwrite, ""},
		"without rights, and leaving": {nil, "out", []staged{{"", []string{"0300 d/", "d/l -> ../../a"}}}, Overwrite, `entry "d/l"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := testdir.InMemory(t)
			makeRemovable(t, top)
			ws := filepath.Join(top, "ws")
			write(t, top, "ws/", "secret=not yours")
			write(t, ws, tt.before...)
			before := snapshot(t, ws)
			changes := 0
			_, err := publish(t.Context(), t, ws, tt.dest, tt.trees, tt.ie, func() error { changes++; return nil })
			if tt.err == "" {
				if err != nil || changes == 0 && tt.ie != Skip {
					t.Errorf("%d changes, %v", changes, err)
				}
				return
			}
			if _, ok := errors.AsType[*LinkError](err); !ok || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(before, snapshot(t, ws)); diff != "" || changes > 0 {
				t.Errorf("%d changes: %s", changes, diff)
			}
		})
	}
}

// Two artifacts may be harmless alone, and together so tangled that following their
// symlinks would take for ever.
func TestPublishLinksIsBounded(t *testing.T) {
	t.Parallel()
	detour := strings.Repeat("d/../", 800)
	chain, many := []string{"d/x=1", "l30=end"}, []string{}
	for i := range 30 {
		chain = append(chain, fmt.Sprintf("l%d -> %sl%d", i, detour, i+1))
	}
	for i := range 100 {
		many = append(many, fmt.Sprintf("m%d -> l0", i))
	}
	for _, tt := range []struct {
		trees []staged
		want  string
	}{
		{[]staged{{"", chain}}, ""},
		{[]staged{{"", many}}, ""},
		{[]staged{{"", chain}, {"", many}}, `its target "l0" is too tangled to be followed`},
	} {
		_, err := publish(t.Context(), t, testdir.InMemory(t), "out", tt.trees, Overwrite, nil)
		_, refused := errors.AsType[*LinkError](err)
		if refused != (tt.want != "") || refused && !strings.Contains(err.Error(), tt.want) || !refused && err != nil {
			t.Errorf("%d trees: got %.300v, want %q", len(tt.trees), err, tt.want)
		}
	}
}

// Whatever several steps publish into a directory, no symlink in it leads out.
func TestPublishLinksStay(t *testing.T) {
	t.Parallel()
	published, refused, followed := 0, 0, 0
	for seed := range uint64(60) {
		w := world{rand.New(rand.NewPCG(seed, 3))}
		ws := worldDir(t, seed)
		makeRemovable(t, ws)
		for range 3 {
			var trees []staged
			for range 2 {
				var targets []string
				for range 6 {
					parts := []string{w.pick("..", "../..", ".", "a", "b", "l")}
					for w.IntN(3) > 0 {
						parts = append(parts, w.pick("..", "a", "b", "d", "f", "l"))
					}
					targets = append(targets, strings.Join(parts, "/"))
				}
				trees = append(trees, staged{w.pick("", "", "a"), w.lines(8, targets...)})
			}
			_, err := publish(t.Context(), t, ws, "x/out", trees, Overwrite, nil)
			if _, ok := errors.AsType[*LinkError](err); ok {
				refused++
			} else if err == nil {
				published++
			}
			out := filepath.Join(ws, "x/out")
			for _, l := range snapshot(t, ws) {
				name, _, isLink := strings.Cut(l, " -> ")
				if !isLink {
					continue
				}
				to, err := filepath.EvalSymlinks(filepath.Join(ws, name))
				if err != nil {
					continue // it leads to nothing
				}
				followed++
				if to != out && !strings.HasPrefix(to, out+"/") {
					t.Fatalf("seed %d: %s leads to %s, after %q", seed, l, to, trees)
				}
			}
		}
	}
	if published < 10 || refused < 10 || followed < 10 {
		t.Errorf("%d published, %d refused, %d symlinks", published, refused, followed)
	}
}

// A directory keeps its mode while it is searched for symlinks.
func TestPublishLinksKeepsModes(t *testing.T) {
	t.Parallel()
	ws := testdir.InMemory(t)
	makeRemovable(t, ws)
	if _, err := publish(t.Context(), t, ws, "out", []staged{{"", []string{"0300 d/", "d/l -> x", "0500 e/", "e/x=1"}}}, Fail, nil); err != nil {
		t.Fatal(err)
	}
	if d, e := mode(t, ws+"/out/d"), mode(t, ws+"/out/e"); d != 0o300 || e != 0o500 {
		t.Errorf("%v, %v", d, e)
	}
}

// Trees without symlinks, as NoLinks says, are not searched for any: of new directories
// only the names are looked at.
func TestPublishNoLinks(t *testing.T) {
	t.Parallel()
	for _, none := range []bool{false, true} {
		ws := testdir.InMemory(t)
		s, trees, err := stage(t, ws, "out", StageOptions{}, staged{"", []string{"d/l -> /etc"}})
		if err != nil {
			t.Fatal(err)
		}
		trees[0].NoLinks = none
		_, err = s.Publish(t.Context(), trees, Fail)
		if _, refused := errors.AsType[*LinkError](err); refused == none {
			t.Errorf("no links: %v, got %v", none, err)
		}
	}
}

func TestPublishLinksCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	ws := testdir.InMemory(t)
	s, trees, err := stage(t, ws, "out", StageOptions{}, staged{"", []string{"d/l -> x"}})
	if err != nil {
		t.Fatal(err)
	}
	p := s.planner(ctx, Fail)
	if err := p.plan(trees); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.checkLinks(trees); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, bb := range []struct {
		name    string
		noLinks bool
		links   int
	}{{"no links, known", true, 0}, {"no links", false, 0}, {"a hundred", false, 100}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s, trees, err := stage(b, b.TempDir(), "out", StageOptions{}, staged{"", nil})
				if err != nil {
					b.Fatal(err)
				}
				dir := filepath.Join(s.dest.Root, s.dir, trees[0].Dir)
				for i := range 2_000 {
					sub := filepath.Join(dir, fmt.Sprint(i%100))
					err := os.MkdirAll(sub, 0o755)
					if err == nil && i < bb.links {
						err = os.Symlink("../99/1999", filepath.Join(sub, fmt.Sprint(i)))
					} else if err == nil {
						err = os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), nil, 0o600)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				trees[0].NoLinks = bb.noLinks
				b.StartTimer()
				if _, err := s.Publish(b.Context(), trees, Fail); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
