package symlink

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// tree holds lines as "f", "d/" and "l -> target", by their paths.
type tree map[string]Node

func treeOf(lines ...string) tree {
	t := tree{}
	for _, l := range lines {
		name, target, isLink := strings.Cut(l, " -> ")
		dir, isDir := strings.CutSuffix(name, "/")
		switch {
		case isLink:
			t[name] = Node{Symlink, target}
		case isDir:
			t[dir] = Node{Kind: Directory}
		default:
			t[name] = Node{Kind: OtherFile}
		}
	}
	return t
}

func (t tree) look(at []byte) (Node, error) {
	if parent := path.Dir(string(at)); parent != "." && t[parent].Kind != Directory {
		return Node{}, fmt.Errorf("looked below %q", parent)
	}
	return t[string(at)], nil
}

func TestFollow(t *testing.T) {
	t.Parallel()
	chain := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("l%d -> l%d", i, i+1))
		}
		return lines
	}
	tests := map[string]struct {
		tree          []string
		top, at, name string
		want          string
		kind          Kind
		err           error
	}{
		"nothing":                 {nil, ".", ".", "", ".", Directory, nil},
		"dots":                    {[]string{"d/", "d/f"}, ".", ".", ".//d/./f", "d/f", OtherFile, nil},
		"up":                      {[]string{"d/", "d/e/", "f"}, ".", "d/e", "../../f", "f", OtherFile, nil},
		"to the root":             {[]string{"d/"}, ".", ".", "d/..", ".", Directory, nil},
		"up from the root":        {[]string{"d/"}, ".", ".", "d/../..", "", Nothing, ErrLeadsOut},
		"up from the top":         {[]string{"d/", "d/e/"}, "d", "d/e", "../..", "", Nothing, ErrLeadsOut},
		"a symlink":               {[]string{"d/", "d/l -> ../f", "f"}, ".", ".", "d/l", "f", OtherFile, nil},
		"in the middle":           {[]string{"d/", "d/e/", "l -> d", "d/e/f"}, ".", ".", "l/e/f", "d/e/f", OtherFile, nil},
		"up from a symlink":       {[]string{"d/", "d/e/", "l -> d/e", "d/f"}, ".", ".", "l/../f", "d/f", OtherFile, nil},
		"through one, up and out": {[]string{"d/", "l -> d"}, ".", ".", "l/../..", "", Nothing, ErrLeadsOut},
		"out through one":         {[]string{"d/", "d/l -> ../.."}, ".", ".", "d/l/x", "", Nothing, ErrLeadsOut},
		"absolute":                {[]string{"l -> /d", "d/"}, ".", ".", "l", "", Nothing, ErrLeadsOut},
		"to nothing":              {[]string{"l -> no"}, ".", ".", "l", "no", Nothing, nil},
		"below nothing":           {[]string{"l -> no/such/thing"}, ".", ".", "l/x", "no", Nothing, nil},
		"below a file":            {[]string{"f"}, ".", ".", "f/x/y", "f", Nothing, nil},
		"up from nothing":         {nil, ".", ".", "no/../x", "", Nothing, ErrGoesUp},
		"a file as a directory":   {[]string{"f", "l -> f/."}, ".", ".", "l", "f", Nothing, nil},
		"up from a file":          {[]string{"f"}, ".", ".", "f/..", "", Nothing, ErrGoesUp},
		"up from a file, later":   {[]string{"f", "l -> f"}, ".", ".", "l/x/../..", "", Nothing, ErrGoesUp},
		"a loop":                  {[]string{"a -> b", "b -> a"}, ".", ".", "a", "", Nothing, ErrLoop},
		"itself":                  {[]string{"a -> a"}, ".", ".", "a", "", Nothing, ErrLoop},
		"below itself":            {[]string{"a -> a/x"}, ".", ".", "a", "", Nothing, ErrLoop},
		"to a loop":               {[]string{"l -> d/a/x", "d/", "d/a -> ../d/b/y", "d/b -> a"}, ".", ".", "l/z", "", Nothing, ErrLoop},
		"a loop, then up":         {[]string{"a -> b/..", "b -> a"}, ".", ".", "a", "", Nothing, ErrTooMany},
		"a loop that leads out":   {[]string{"a -> b/../..", "b -> a"}, ".", ".", "a", "", Nothing, ErrTooMany},
		"out, then a loop":        {[]string{"a -> ../a"}, ".", ".", "a", "", Nothing, ErrLeadsOut},
		"one symlink twice":       {[]string{"d/", "d/f", "s -> d", "l -> s/../s/f"}, ".", ".", "l", "d/f", OtherFile, nil},
		"twice, at the end":       {[]string{"d/", "d/t -> e", "d/e/", "l -> d/t/../t"}, ".", ".", "l", "d/e", Directory, nil},
		"as many as may be":       {chain(MaxFollowed), ".", ".", "l0", "l40", Nothing, nil},
		"too many":                {chain(MaxFollowed + 1), ".", ".", "l0", "", Nothing, ErrTooMany},
		"too many steps":          {nil, ".", ".", strings.Repeat("./", maxSteps), "", Nothing, ErrTangled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := Follower{Look: treeOf(tt.tree...).look}
			for range 2 { // again, with what the first time left
				got, kind, err := f.Follow(tt.top, tt.at, tt.name)
				if got != tt.want || kind != tt.kind || !errors.Is(err, tt.err) {
					t.Errorf("got %q, %v, %v", got, kind, err)
				}
			}
		})
	}
}

// A target that goes up from a symlink is refused only by a Follower that is Sure.
func TestSure(t *testing.T) {
	t.Parallel()
	for target, sure := range map[string]error{
		"d/../f":      nil,
		"d/e/../../f": nil,
		"s/f":         nil,
		"s/../f":      ErrGoesUp,
		"s/x/../f":    ErrGoesUp,
		"up/e":        nil,
		"up/../f":     ErrGoesUp,
		"d/s2/../f":   ErrGoesUp,
		"d/../s/f":    nil,
		"s":           nil,
	} {
		tree := treeOf("d/", "d/e/", "d/x/", "f", "d/f", "d/e/f", "s -> d", "d/s2 -> e", "up -> d/e/..", "l -> "+target)
		for _, f := range []Follower{{Look: tree.look}, {Look: tree.look, Sure: true}} {
			want := error(nil)
			if f.Sure {
				want = sure
			}
			if got, kind, err := f.Follow(".", ".", "l"); !errors.Is(err, want) || (err == nil) != (kind != Nothing) {
				t.Errorf("%s, sure: %v: got %q, %v", target, f.Sure, got, err)
			}
		}
	}
}

// The steps of all symlinks together are bounded, by the number of symlinks.
func TestStepsAreBounded(t *testing.T) {
	t.Parallel()
	f := Follower{Look: tree{}.look, Links: 1 << 10}
	const each = 1 << 8
	follow := func() error {
		_, _, err := f.Follow(".", ".", strings.Repeat("./", each-1)+".")
		return err
	}
	for i := range (maxSteps + stepsPerLink<<10) / each {
		if err := follow(); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if err := follow(); !errors.Is(err, ErrTangled) {
		t.Errorf("one more: %v", err)
	}
	if f.Links += each / stepsPerLink; follow() == nil {
		t.Error("the steps that failed are not counted")
	}
}

func TestLookFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	f := Follower{Look: func([]byte) (Node, error) { return Node{}, broken }}
	if got, _, err := f.Follow(".", ".", "x/y"); !errors.Is(err, broken) || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Symlinks on a disk lead to where the kernel says, if that is inside.
func TestFollowAgainstTheKernel(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	same, out := 0, 0
	for range 200 {
		top := t.TempDir()
		dir := filepath.Join(top, "a")
		nodes := treeOf("d/", "d/e/", "f", "d/f")
		for i := range 6 {
			parts := []string{pick("..", "d", "e", "l0", "l1", "l2")}
			for r.IntN(4) > 0 {
				parts = append(parts, pick("..", ".", "", "d", "e", "f", "l3", "l4", "l5"))
			}
			nodes[pick("", "d/", "d/e/")+fmt.Sprint("l", i)] = Node{Symlink, strings.Join(parts, "/")}
		}
		err := errors.Join(os.MkdirAll(dir+"/d/e", 0o700), os.WriteFile(dir+"/f", nil, 0o600), os.WriteFile(dir+"/d/f", nil, 0o600))
		for name, n := range nodes {
			if n.Kind == Symlink {
				err = errors.Join(err, os.Symlink(n.Target, filepath.Join(dir, name)))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		dir, err = filepath.EvalSymlinks(dir)
		if err != nil {
			t.Fatal(err)
		}
		for name := range maps.Keys(nodes) {
			f := Follower{Look: nodes.look}
			got, kind, err := f.Follow(".", ".", name)
			want, kernel := os.Stat(filepath.Join(dir, name))
			switch {
			case errors.Is(err, ErrLeadsOut):
				out++
			case (kernel == nil) != (err == nil && kind != Nothing):
				t.Errorf("%v: %s: got %q, %v, %v; the kernel says %v", nodes, name, got, kind, err, kernel)
			case kernel == nil:
				same++
				if info, err := os.Lstat(filepath.Join(dir, got)); err != nil || !os.SameFile(info, want) {
					t.Errorf("%v: %s: got %q, %v", nodes, name, got, err)
				}
			}
		}
	}
	if same < 100 || out < 50 {
		t.Errorf("%d lead to the same file, %d out: that tests little", same, out)
	}
}
