package unpack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/artifetch/artifetch/internal/testdir"
)

// tarOf is a tar of entries, one each: "name" a file that holds its name,
// "name/" a directory, "name -> target" a symlink, "name => target" a hard
// link, "name !" a device. "0600 " in front is its mode.
func tarOf(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := tar.Header{Typeflag: tar.TypeReg, Mode: 0o644}
		if mode, rest, ok := strings.Cut(e, " "); ok && strings.HasPrefix(mode, "0") {
			e, h.Mode = rest, 0
			for _, c := range mode {
				h.Mode = h.Mode*8 + int64(c-'0')
			}
		}
		body := e
		switch {
		case strings.Contains(e, " -> "):
			e, h.Linkname, _ = strings.Cut(e, " -> ")
			h.Typeflag, body = tar.TypeSymlink, ""
		case strings.Contains(e, " => "):
			e, h.Linkname, _ = strings.Cut(e, " => ")
			h.Typeflag, body = tar.TypeLink, ""
		case strings.HasSuffix(e, "/"):
			h.Typeflag, body = tar.TypeDir, ""
			h.Mode |= 0o111
		case strings.HasSuffix(e, " !"):
			e, h.Typeflag, body = strings.TrimSuffix(e, " !"), tar.TypeChar, ""
		}
		h.Name, h.Size = e, int64(len(body))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zst(b []byte) []byte { return zstdEncoder().EncodeAll(b, nil) }

// expand extracts a zip of these files and expands its tars.
func expand(t testing.TB, files map[string][]byte, links map[string]string, b *Budget) (dir string, res Expansion, err error) {
	t.Helper()
	dir = filepath.Join(testdir.InMemory(t), "dest")
	if err := extract(t, goZip(t, files), dir, b); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, target := range links {
		if err := root.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	res, err = ExpandTars(t.Context(), root, TarOptions{Links: links, Budget: b})
	return dir, res, err
}

func TestExpandTars(t *testing.T) {
	t.Parallel()
	plain := tarOf(t, "./", "./a", "d/", "d/b", "e/f/c", "d/x -> ../a", "e/hard => d/b", "04755 s", "0755 run")
	tests := map[string]struct {
		files map[string][]byte
		want  []string
	}{
		"tar":     {map[string][]byte{"x.tar": plain}, []string{"a = ./a", "d/", "d/b = d/b", "d/x -> ../a", "e/", "e/f/", "e/f/c = e/f/c", "e/hard = d/b", "run* = run", "s* = s"}},
		"tar.gz":  {map[string][]byte{"x.tar.gz": gz(tarOf(t, "a"))}, []string{"a = a"}},
		"tgz":     {map[string][]byte{"x.tgz": gz(tarOf(t, "a"))}, []string{"a = a"}},
		"tar.zst": {map[string][]byte{"x.tar.zst": zst(tarOf(t, "a"))}, []string{"a = a"}},
		"several, and what is no tar": {
			map[string][]byte{"x.tar": tarOf(t, "d/a"), "y.tgz": gz(tarOf(t, "d/b")), "n": []byte("n"), "d/z.tar": []byte("not at the top"), ".tar": []byte("a name")},
			[]string{".tar = a name", "d/", "d/a = d/a", "d/b = d/b", "d/z.tar = not at the top", "n = n"},
		},
		"the later entry":          {map[string][]byte{"x.tar": tarOf(t, "a", "b", "0755 a", "l -> a", "l")}, []string{"a* = a", "b = b", "l = l"}},
		"a link to what comes":     {map[string][]byte{"x.tar": tarOf(t, "l -> d/a", "d/a")}, []string{"d/", "d/a = d/a", "l -> d/a"}},
		"through directories only": {map[string][]byte{"x.tar": tarOf(t, "d/../d/a")}, nil},
		"empty":                    {map[string][]byte{"x.tar": tarOf(t)}, []string{}},
		"added twice":              {map[string][]byte{"x.tar": tarOf(t, "a", "h => a", "./a => a", "h => ./h", "l -> a", "l => l")}, []string{"a = a", "h = a", "l -> a"}},
		"no end":                   {map[string][]byte{"x.tar": tarOf(t, "a", "b")[:4*tarBlock]}, []string{"a = a", "b = b"}},
		"a symlink with two names": {map[string][]byte{"x.tar": tarOf(t, "a", "l -> a", "h => l")}, []string{"a = a", "h -> a", "l -> a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, res, err := expand(t, tt.files, nil, NewBudget(0, 0))
			if tt.want == nil {
				if _, refused := errors.AsType[*RefusedError](err); !refused {
					t.Errorf("got %v, want a refusal", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := append([]string{}, tree(t, dir)...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			files := 0
			for _, name := range got {
				if !strings.HasSuffix(name, "/") {
					files++
				}
			}
			if want := res.Files + len(tt.files); files != want {
				t.Errorf("%d files, counted %d", files, want)
			}
		})
	}
}

func TestExpandTarsRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tar   []byte
		links map[string]string
		want  string
	}{
		"absolute":                  {tarOf(t, "/a"), nil, `entry "/a": its name is an absolute path`},
		"up":                        {tarOf(t, "../a"), nil, `entry "../a": its name holds the component ".."`},
		"symlink out":               {tarOf(t, "l -> ../x"), nil, `its target "../x" leaves the destination`},
		"absolute symlink":          {tarOf(t, "l -> /etc/passwd"), nil, "is not a relative path"},
		"through its own symlink":   {tarOf(t, "l -> d", "d/", "l/a"), nil, "it would be written through \"l\""},
		"directory on a symlink":    {tarOf(t, "l -> d", "l/"), nil, "it would be written through \"l\""},
		"through a symlink there":   {tarOf(t, "here/a"), map[string]string{"here": "."}, "it would be written through \"here\""},
		"through a file":            {tarOf(t, "a", "a/b"), nil, "it would be written through \"a\""},
		"with one there, out":       {tarOf(t, "l -> y/.."), map[string]string{"y": "."}, "leaves the destination"},
		"one there, out by ours":    {tarOf(t, "q -> ."), map[string]string{"y": "q/.."}, "leaves the destination"},
		"a file that is there":      {tarOf(t, "keep"), nil, "there is something of that name already"},
		"the tar itself":            {tarOf(t, "x.tar"), nil, "there is something of that name already"},
		"hard link out":             {tarOf(t, "h => ../a"), nil, "the name it links to holds the component"},
		"hard link to the archive":  {tarOf(t, "h => keep"), nil, "which is no file before it"},
		"hard link to a symlink":    {tarOf(t, "h => here"), map[string]string{"here": "keep"}, "which is no file before it"},
		"hard link, out by symlink": {tarOf(t, "d/l -> ../keep", "h => d/l"), nil, `its target "../keep" leaves the destination`},
		"too deep":                  {tarOf(t, strings.Repeat("x/", 256)+"a"), nil, "has 257 components"},
		"device":                    {tarOf(t, "dev !"), nil, "a device or another special file"},
		"hard link to itself":       {tarOf(t, "h => h"), nil, "which is no file before it"},
		"hard link to what is here": {tarOf(t, "keep => keep"), nil, "there is something of that name already"},
		"cut in the padding":        {tarOf(t, "a", "b")[:2*tarBlock-1], nil, "unexpected EOF"},
		"cut in the end":            {tarOf(t, "a")[:3*tarBlock-1], nil, "unexpected EOF"},
		"cut":                       {tarOf(t, strings.Repeat("a", 90))[:550], nil, "not a sound tar archive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _, err := expand(t, map[string][]byte{"x.tar": tt.tar, "keep": []byte("k")}, tt.links, NewBudget(0, 0))
			if _, refused := errors.AsType[*RefusedError](err); !refused || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if outside := tree(t, filepath.Dir(dir)); slices.ContainsFunc(outside, func(s string) bool { return !strings.HasPrefix(s, "dest/") }) {
				t.Errorf("written outside: %q", outside)
			}
		})
	}
	for name, data := range map[string][]byte{"y.tgz": gz(tarOf(t, "a"))[:40], "z.tgz": func() []byte {
		b := gz(tarOf(t, "a"))
		b[len(b)-6] ^= 1 // the checksum
		return b
	}(), "trailer.tgz": gz(append(tarOf(t, "a"), make([]byte, maxTrailer+1)...))} {
		if _, _, err := expand(t, map[string][]byte{name: data}, nil, NewBudget(0, 0)); err == nil || !strings.Contains(err.Error(), "refused: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var limit *LimitError
	if _, _, err := expand(t, map[string][]byte{"x.tar": tarOf(t, "a", "b", "c")}, nil, NewBudget(3, 0)); !errors.As(err, &limit) || limit.What != "files" {
		t.Errorf("too many files: %v", err)
	}
}

// Of files that several tars have, that of the last tar by name counts, as with one tar -x
// after the other.
func TestTarsReplace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first, second []string
		want          []string // nil: refused
		replaced      []string
	}{
		"files":                      {[]string{"LICENSE", "a"}, []string{"0755 LICENSE", "b"}, []string{"LICENSE* = LICENSE", "a = a", "b = b"}, []string{"LICENSE"}},
		"within a tar, too":          {[]string{"l", "0755 l"}, []string{"l", "0755 l", "l"}, []string{"l = l"}, []string{"l"}},
		"below directories":          {[]string{"d/", "d/l"}, []string{"d/", "0755 d/l"}, []string{"d/", "d/l* = d/l"}, []string{"d/l"}},
		"a symlink by a file":        {[]string{"x", "l -> x"}, []string{"l"}, []string{"l = l", "x = x"}, []string{"l"}},
		"a file by a symlink":        {[]string{"x", "l"}, []string{"l -> x"}, []string{"l -> x", "x = x"}, []string{"l"}},
		"a symlink by a symlink":     {[]string{"x", "l -> y"}, []string{"l -> x"}, []string{"l -> x", "x = x"}, []string{"l"}},
		"a hard link keeps its file": {[]string{"0755 l", "h => l"}, []string{"l"}, []string{"h* = l", "l = l"}, []string{"l"}},
		"a file by a hard link":      {[]string{"0755 l"}, []string{"x", "l => x"}, []string{"l = x", "x = x"}, []string{"l"}},
		"a link to the other's file": {[]string{"l"}, []string{"x => l"}, nil, nil},
		"a link to the other's link": {[]string{"l -> x"}, []string{"x => l"}, nil, nil},
		"a link to itself":           {[]string{"l"}, []string{"l => l"}, nil, nil},
		"a directory by a file":      {[]string{"l/"}, []string{"l"}, nil, nil},
		"a directory by a symlink":   {[]string{"l/a"}, []string{"l -> x"}, nil, nil},
		"a file by a directory":      {[]string{"l"}, []string{"l/"}, nil, nil},
		"a symlink by a directory":   {[]string{"l -> x"}, []string{"l/a"}, nil, nil},
		"a file of the archive":      {[]string{"keep"}, []string{"a"}, nil, nil},
		"a tar of the archive":       {[]string{"z.tar.gz"}, []string{"a"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string][]byte{"b.tar": tarOf(t, tt.first...), "z.tar.gz": gz(tarOf(t, tt.second...)), "keep": nil}
			dir, res, err := expand(t, files, nil, NewBudget(0, 0))
			if tt.want == nil {
				if _, refused := errors.AsType[*RefusedError](err); !refused {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(tree(t, dir), func(s string) bool { return s == "keep = " })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			var want []ReplacedFile
			for _, f := range tt.replaced {
				want = append(want, ReplacedFile{Name: f, From: "b.tar", By: "z.tar.gz"})
			}
			if diff := cmp.Diff(want, res.Replaced); diff != "" || res.ReplacedMore != 0 {
				t.Errorf("and %d more (-want +got)\n%s", res.ReplacedMore, diff)
			}
			there := 0
			var size int64
			for _, line := range got {
				if _, body, file := strings.Cut(line, " = "); file {
					size += int64(len(body))
				}
				if !strings.HasSuffix(line, "/") {
					there++
				}
			}
			for _, tar := range []string{"b.tar", "z.tar.gz"} {
				there, size = there-1, size-int64(len(files[tar]))
			}
			if res.Files != there || res.Bytes != size {
				t.Errorf("%d files and %d bytes more, want %d and %d", res.Files, res.Bytes, there, size)
			}
		})
	}
	var many []string
	for i := range maxListed + 3 {
		many = append(many, fmt.Sprint(i))
	}
	_, res, err := expand(t, map[string][]byte{"a.tar": tarOf(t, many...), "b.tar": tarOf(t, many...)}, nil, NewBudget(0, 0))
	if err != nil || len(res.Replaced) != maxListed || res.ReplacedMore != 3 {
		t.Errorf("%d files and %d more, %v", len(res.Replaced), res.ReplacedMore, err)
	}
}

// Whatever a tar consists of, the end of the context ends its expansion.
func TestExpandTarsStops(t *testing.T) {
	t.Parallel()
	many := func(format string) (entries []string) {
		for i := range 500 {
			entries = append(entries, strings.ReplaceAll(format, "#", fmt.Sprint(i)))
		}
		return entries
	}
	tests := map[string][]string{
		"directories": many("d#/"),
		"files":       many("f#"),
		"symlinks":    many("l# -> x"),
		"hard links":  append([]string{"f"}, many("h# => f")...),
		"parents":     {strings.Repeat("x/", 200) + "a"},
		"no rights":   many("0500 d#/"),
	}
	for name, entries := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, looks := range []int64{0, 1, 20, 100} {
				dir := testdir.InMemory(t)
				if err := os.WriteFile(filepath.Join(dir, "x.tar"), tarOf(t, entries...), 0o600); err != nil {
					t.Fatal(err)
				}
				root, err := os.OpenRoot(dir)
				if err != nil {
					t.Fatal(err)
				}
				_, err = ExpandTars(countTo(t, looks), root, TarOptions{})
				if !errors.Is(err, context.Canceled) {
					t.Errorf("after %d looks: %v", looks, err)
				}
				if made := len(tree(t, dir)) - 1; made > int(looks)+1 {
					t.Errorf("after %d looks: %d made", looks, made)
				}
				_ = root.Close()
			}
		})
	}
}

// Before an entry is written, its size is asked for, also that of a sparse one.
func TestExpandTarsAsksForRoom(t *testing.T) {
	t.Parallel()
	full := errors.New("no room")
	asked := []int64{}
	room := func(n int64) error {
		if asked = append(asked, n); n > 1<<20 {
			return full
		}
		return nil
	}
	dir := testdir.InMemory(t)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "a.tar"), tarOf(t, "abc", "d/", "l -> abc"), 0o600), os.WriteFile(filepath.Join(dir, "b.tar"), sparseTar(), 0o600)); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := ExpandTars(t.Context(), root, TarOptions{Room: room}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]int64{3, 1 << 30}, asked); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(filepath.Join(dir, "sparse")); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes written", info.Size())
	}
}

// sparseTar has a GNU sparse file of 1 GiB in 512 bytes.
func sparseTar() []byte {
	h := make([]byte, 2560-1024)
	for at, field := range map[int]string{
		0: "sparse", 100: "0000644", 108: "0000000", 116: "0000000", 124: "00000000000", 136: "00000000000", 148: "        ",
		156: "S", 257: "ustar  ", 386: "10000000000", 398: "00000000000", 483: "10000000000",
	} {
		copy(h[at:], field)
	}
	sum := 0
	for _, c := range h[:512] {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

func FuzzExpandTars(f *testing.F) {
	f.Add(tarOf(f, "a", "d/b", "l -> d", "h => a"))
	f.Add(tarOf(f, "l -> ..", "l/a"))
	for _, name := range []string{"v7", "posix", "sparse-1.0", "gzip-padded", "bzip2", "xz-blocks", "zstd-skippable"} {
		f.Add(recording(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir, _, _ := expand(t, map[string][]byte{"x.tar": data}, map[string]string{"there": "."}, NewBudget(100, 1<<20))
		for _, name := range tree(t, filepath.Dir(dir)) {
			if !strings.HasPrefix(name, "dest/") {
				t.Fatalf("written outside: %s", name)
			}
		}
		checkInside(t, dir)
	})
}
