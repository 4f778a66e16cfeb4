package unpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/artifetch/artifetch/internal/testdir"
)

func file(name string) lie         { return lie{name: name, body: "content of " + name} }
func dir(name string) lie          { return lie{name: name, unix: 0o040755} }
func link(name, target string) lie { return lie{name: name, body: target, unix: 0o120777} }
func of(entries ...lie) liar       { return liar{entries: entries} }
func with(e lie, f func(*lie)) lie { f(&e); return e }

// refusal is an archive that is refused: which entry of it, and why.
type refusal struct {
	zip    liar
	entry  string
	reason string
}

// refusals are archives that the package comment says are refused, by name.
var refusals = map[string]refusal{
	"absolute":                 {of(file("/etc/passwd")), "/etc/passwd", "is an absolute path"},
	"parent":                   {of(file("../x")), "../x", `".."`},
	"parent in the middle":     {of(file("a/../../x")), "a/../../x", `".."`},
	"parent that stays inside": {of(file("a/../x")), "a/../x", `".."`},
	"parent at the end":        {of(dir("a/../")), "a/../", `".."`},
	"backslash":                {of(lie{name: `a\b`, unix: 0o100644}), `a\b`, "backslash"},
	"backslash parent":         {of(lie{name: `..\b`, unix: 0o100644}), `..\b`, "backslash"},
	"backslash, OS/2":          {of(lie{name: `a\b`, made: 6}), `a\b`, "backslash"},
	"drive":                    {of(file("C:x")), "C:x", "drive letter"},
	"drive, slash":             {of(file("c:/x")), "c:/x", "drive letter"},
	"NUL":                      {of(file("a\x00b")), "a\x00b", "NUL"},
	"no name":                  {of(file("")), "", "does not name a file"},
	"file named dot":           {of(file(".")), ".", "does not name a file"},
	"name too long":            {of(file(strings.Repeat("./", 2048) + "a")), strings.Repeat("./", 2048) + "a", "has 4097 bytes, more than 4096"},
	"component too long":       {of(file("a/" + strings.Repeat("x", 256))), "a/" + strings.Repeat("x", 256), "a component of 256 bytes"},
	"too deep":                 {of(file(strings.Repeat("x/", 256) + "a")), strings.Repeat("x/", 256) + "a", "has 257 components"},
	"too many directories":     {manyDirs(), "", "need more than 1000000 directories"},
	"UNC":                      {of(file("//host/share")), "//host/share", "absolute"},

	"symlink out":               {of(link("a", "../x")), "a", "leaves the destination"},
	"symlink out, deep":         {of(link("d/e/a", "../../../x")), "d/e/a", "leaves the destination"},
	"symlink absolute":          {of(link("a", "/etc/passwd")), "a", "not a relative path"},
	"symlink NUL":               {of(link("a", "b\x00")), "a", "not a relative path"},
	"symlink backslash":         {of(link("a", `..\x`)), "a", "leaves the destination"},
	"symlink backslash, first":  {of(link("a", `\x`)), "a", "not a relative path"},
	"symlink backslash, mixed":  {of(link("f", `d/..\..`), link("g", "f")), "f", "leaves the destination"},
	"symlink backslash, drive":  {of(link("a", `C:\x`)), "a", "not a relative path"},
	"symlink drive":             {of(link("a", "C:x")), "a", "not a relative path"},
	"symlink chain":             {of(link("d/b", "../x"), link("d/e/f/c", "../../b/../..")), "d/e/f/c", "leaves the destination"},
	"symlink chain, other way":  {of(link("d/e/f/c", "../../b/../.."), link("d/b", "../x")), "d/e/f/c", "leaves the destination"},
	"symlink loop, then up":     {of(link("a", "b/../.."), link("b", "a")), "a", "too many symlinks"},
	"symlink too long":          {of(link("a", strings.Repeat("x", maxTarget+1))), "a", "4097 bytes"},
	"through a symlink":         {of(link("a", "b"), dir("b/"), file("a/x")), "a/x", `through "a"`},
	"through a later symlink":   {of(file("a/x"), link("a", "b")), "a/x", `through "a"`},
	"through a deep symlink":    {of(link("d/a", "."), file("d/a/b/c")), "d/a/b/c", `through "d/a"`},
	"through a symlink, dotted": {of(link("a", "b"), file("./a/./x")), "./a/./x", `through "a"`},
	"below a file":              {of(file("a"), file("a/x")), "a/x", `through "a"`},
	"below a file, neighbours":  {of(file("a!"), file("a"), file("a/x"), file("a.b")), "a/x", `through "a"`},

	"device":                {of(lie{name: "d", unix: 0o060644}), "d", "device"},
	"character device":      {of(lie{name: "d", unix: 0o020644}), "d", "device"},
	"file and symlink":      {of(file("a"), link("a", "b")), "a", "twice"},
	"file and directory":    {of(file("a"), dir("a/")), "a/", "both a file and a directory"},
	"directory and file":    {of(dir("a/"), file("a")), "a", "both a file and a directory"},
	"directory and symlink": {of(dir("a/"), link("a", ".")), "a", "both a file and a directory"},

	"encrypted":         {of(with(file("a"), func(e *lie) { e.flags = 1 })), "a", "it is encrypted, and there is no password"},
	"strong encryption": {of(with(file("a"), func(e *lie) { e.flags = 1 << 6 })), "a", "encrypted"},
	"masked directory":  {of(with(file("a"), func(e *lie) { e.flags = 1 << 13 })), "a", "encrypted"},
	"patched":           {of(with(file("a"), func(e *lie) { e.flags = 1 << 5 })), "a", "it is a patch"},
	"unknown method":    {of(with(file("a"), func(e *lie) { e.method = 99 })), "a", "method 99"},

	"stored, sizes differ":  {of(with(file("a"), func(e *lie) { e.size = 5 })), "a", "its sizes differ"},
	"more than declared":    {of(with(file("a"), func(e *lie) { e.deflate, e.size = true, 5 })), "a", "more than the 5 bytes"},
	"less than declared":    {of(with(file("a"), func(e *lie) { e.deflate, e.size = true, 99 })), "a", "holds 12 bytes and declares 99"},
	"wrong CRC":             {of(with(file("a"), func(e *lie) { e.crc = 1 })), "a", "CRC-32"},
	"wrong CRC, deflated":   {of(with(file("a"), func(e *lie) { e.deflate, e.crc = true, 1 })), "a", "CRC-32"},
	"damaged":               {of(with(file("a"), func(e *lie) { e.deflate, e.raw = true, []byte{0xff, 0xff, 0xff} })), "a", "damaged"},
	"cut short":             {of(with(file("a"), func(e *lie) { e.deflate, e.raw = true, deflated(e.body)[:4] })), "a", "damaged"},
	"zstd, damaged":         {of(with(file("a"), func(e *lie) { e.method, e.raw = methodZstd, []byte("no zstd at all") })), "a", "damaged"},
	"zstd, cut short":       {of(with(file("a"), func(e *lie) { e.method, e.raw = methodZstd, zstded(e.body)[:8] })), "a", "damaged"},
	"zstd, more":            {of(with(file("a"), func(e *lie) { e.method, e.raw, e.size = methodZstd, zstded(e.body), 5 })), "a", "more than the 5 bytes"},
	"zstd, less":            {of(with(file("a"), func(e *lie) { e.method, e.raw, e.size = methodZstd, zstded(e.body), 99 })), "a", "holds 12 bytes and declares 99"},
	"damaged, large":        {of(lie{name: "a", body: strings.Repeat("x", unitBytes+1), deflate: true, raw: deflated(strings.Repeat("x", unitBytes))}), "a", "declares 262145"},
	"other local name":      {of(with(file("a"), func(e *lie) { e.localName = "b" })), "a", `names it "b"`},
	"other local method":    {of(with(file("a"), func(e *lie) { e.localMethod = 8 })), "a", "another method"},
	"other local size":      {of(with(file("a"), func(e *lie) { e.localSize = 7 })), "a", "other sizes"},
	"overlap, same entry":   {of(file("a"), with(file("a2"), func(e *lie) { e.name, e.sameOffset = "b", true })), "b", "overlaps"},
	"overlap, into next":    {of(with(file("a"), func(e *lie) { e.deflate, e.compressed = true, 40 }), file("b")), "b", "overlaps"},
	"overlap of one byte":   {of(file("a"), with(file("b"), func(e *lie) { e.offsetShift = -1 }), file("c")), "b", "overlaps"},
	"overlap, other order":  {liar{entries: []lie{file("a"), with(file("b"), func(e *lie) { e.offsetShift = -1 }), file("c")}, backwards: true}, "b", "overlaps"},
	"one byte too far":      {of(with(file("a"), func(e *lie) { e.deflate, e.compressed = true, uint32(len(deflated(e.body)))+1 })), "a", "reaches into the directory"},
	"local extra field":     {of(with(file("a"), func(e *lie) { e.localExtra = 1 }), file("b")), "a", "reaches beyond its place"},
	"quoted overlap":        {quotedOverlap(), "b", "overlaps"},
	"into the directory":    {of(with(file("a"), func(e *lie) { e.deflate, e.compressed = true, 1000 })), "a", "reaches into the directory"},
	"local header outside":  {of(with(file("a"), func(e *lie) { e.offsetShift = 1 << 20 })), "a", "lies outside"},
	"no local header there": {of(with(file("a"), func(e *lie) { e.offsetShift = 1 })), "a", "reaches into the directory"},
	"zip64 field short":     {of(with(file("a"), func(e *lie) { e.size, e.extra = 0xffffffff, "\x01\x00\x02\x00xx" })), "a", "zip64 field is too short"},
	"zip64 field overflows": {of(with(file("a"), func(e *lie) { e.size, e.extra = 0xffffffff, "\x01\x00\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff" })), "a", "overflows"},

	"larger than any disk": {of(huge("a", maxSize+1)), "a", "declares 1125899906842625 bytes"},
	"sum that overflows":   {of(huge("a", 1<<62), huge("b", 1<<62)), "a", "declares"},
	"end that overflows":   {of(with(huge("a", math.MaxInt64), func(e *lie) { e.size, e.compressed = 1, math.MaxUint32 })), "a", "reaches into the directory"},

	"data before, not told":  {liar{entries: []lie{file("a")}, prefix: "#!/bin/sh\n", dirShift: -10}, "a", "reaches into the directory"},
	"several disks":          {liar{entries: []lie{file("a")}, disk: 1}, "", "several disks"},
	"count too small":        {liar{entries: []lie{file("a"), file("b")}, count: 1}, "", "holds another number of entries (2) than it declares (1)"},
	"count too large":        {liar{entries: []lie{file("a")}, count: 2}, "", "holds another number of entries (1) than it declares (2)"},
	"half an end in comment": {liar{entries: []lie{file("a")}, comment: string(liar{comment: "xyz"}.bytes()[:endSize])}, "", "another end record"},
	"second end in comment":  {liar{entries: []lie{file("a")}, comment: string(liar{}.bytes())}, "", "another end record"},
}

// manyDirs asks for a million directories by few entries.
func manyDirs() liar {
	var z liar
	for i := range maxDirs/(maxDepth-1) + 20 {
		z.entries = append(z.entries, file(fmt.Sprint(i)+strings.Repeat("/x", maxDepth-1)))
	}
	return z
}

// quotedOverlap is Fifield's bomb: the data of a is a stored block that
// quotes the local header of b, whose data both share.
func quotedOverlap() liar {
	inner := liar{entries: []lie{{name: "b", body: "kernel", deflate: true}}}.bytes()
	local := inner[:localSize+1]
	n := byte(len(local))
	raw := append([]byte{0, n, 0, ^n, 0xff}, local...)
	a := lie{name: "a", raw: append(raw, deflated("kernel")...), deflate: true, body: string(local) + "kernel"}
	offsetOfB := localSize + 1 + 5
	b := lie{name: "b", body: "kernel", deflate: true, sameOffset: true, offsetShift: offsetOfB}
	return of(a, b)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range join(refusals, oddRefusals) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outside := testdir.InMemory(t)
			dest := filepath.Join(outside, "dest")
			err := extract(t, tt.zip.bytes(), dest, NewBudget(0, 0))
			refused, ok := errors.AsType[*RefusedError](err)
			if !ok || refused.Entry != tt.entry || !strings.Contains(refused.Reason, tt.reason) {
				t.Fatalf("got %v, want entry %q refused: %s", err, tt.entry, tt.reason)
			}
			for _, name := range tree(t, outside) {
				if !strings.HasPrefix(name, "dest/") || strings.Contains(name, " -> ") {
					t.Errorf("written although refused: %s", name)
				}
			}
		})
	}
}

// join returns the cases of several tables in one. No name may be in two tables.
func join[T any](tables ...map[string]T) map[string]T {
	all := map[string]T{}
	for _, table := range tables {
		for name, v := range table {
			if _, ok := all[name]; ok {
				panic("two cases are called " + name)
			}
			all[name] = v
		}
	}
	return all
}

// extract reads and extracts data into a new directory dest.
func extract(t testing.TB, data []byte, dest string, b *Budget) error {
	t.Helper()
	a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{Budget: b})
	if err != nil {
		return err
	}
	if err := os.Mkdir(dest, 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, err = a.Extract(t.Context(), root, ExtractOptions{Pool: NewPool(2)})
	return err
}

// tree lists what is below dir: type and execute bit, name, content.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		switch info, _ := d.Info(); {
		case d.IsDir():
			list = append(list, rel+"/")
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			list = append(list, rel+" -> "+target)
			return err
		default:
			b, err := os.ReadFile(p)
			x := ""
			if info.Mode()&0o111 != 0 {
				x = "*"
			}
			if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
				x += "!"
			}
			list = append(list, fmt.Sprintf("%s%s = %.40s", rel, x, b))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// extractions are archives, each with the tree that is extracted, by name.
var extractions = map[string]struct {
	zip  liar
	want []string
}{
	"empty":            {liar{}, nil},
	"empty, zip64":     {liar{zip64: true}, nil},
	"comment":          {liar{entries: []lie{file("a")}, comment: "PK\x05\x06"}, []string{"a = content of a"}},
	"zip64":            {liar{entries: []lie{file("a"), file("b/c")}, zip64: true}, []string{"a = content of a", "b/", "b/c = content of b/c"}},
	"stored":           {of(file("a")), []string{"a = content of a"}},
	"deflated":         {of(with(file("a"), func(e *lie) { e.deflate = true })), []string{"a = content of a"}},
	"zstd":             {of(with(file("a"), func(e *lie) { e.method, e.raw = methodZstd, zstded(e.body) })), []string{"a = " + file("a").body}},
	"empty files":      {of(lie{name: "a"}, lie{name: "b", deflate: true}), []string{"a = ", "b = "}},
	"descriptor":       {of(with(file("a"), func(e *lie) { e.deflate, e.descriptor = true, true }), file("b")), []string{"a = content of a", "b = content of b"}},
	"implicit parents": {of(file("x/y/z"), file("x/a")), []string{"x/", "x/a = content of x/a", "x/y/", "x/y/z = content of x/y/z"}},
	"empty directory":  {of(dir("d/e/")), []string{"d/", "d/e/"}},
	"directory twice":  {of(dir("d/"), file("d/x"), dir("d/")), []string{"d/", "d/x = content of d/x"}},
	"root entry":       {of(dir("./"), file("./a"), file("b//c")), []string{"a = content of ./a", "b/", "b/c = content of b//c"}},
	"execute bit":      {of(lie{name: "x", unix: 0o100755}, lie{name: "y", unix: 0o100644}, lie{name: "z", unix: 0o000755}), []string{"x* = ", "y = ", "z* = "}},
	"set-id dropped":   {of(lie{name: "x", unix: 0o106755}), []string{"x* = "}},
	"symlinks":         {of(link("a", "b"), file("b"), link("d/e", "../b"), link("f", "d"), link("g", "nowhere")), []string{"a -> b", "b = content of b", "d/", "d/e -> ../b", "f -> d", "g -> nowhere"}},
	"odd names":        {of(file("ünïcode"), file("new\nline"), file("..."), file("a..b"), file("-x")), []string{"-x = content of -x", "... = content of ...", "a..b = content of a..b", "new\nline = content of new\nline", "ünïcode = content of ünïcode"}},
	"back up":          {of(file("a/b/c/d/e"), file("a/b/f"), file("a/bc/g"), dir("a/b/c/h/"), file("i/j")), []string{"a/", "a/b/", "a/b/c/", "a/b/c/d/", "a/b/c/d/e = content of a/b/c/d/e", "a/b/c/h/", "a/b/f = content of a/b/f", "a/bc/", "a/bc/g = content of a/bc/g", "i/", "i/j = content of i/j"}},
	"data before":      {liar{entries: []lie{file("a")}, prefix: "#!/bin/sh\n"}, []string{"a = content of a"}},
	"aligned":          {of(with(file("a"), func(e *lie) { e.gap = 4000 }), file("b")), []string{"a = content of a", "b = content of b"}},
	"gap at the end":   {of(file("a"), with(file("b"), func(e *lie) { e.deflate, e.descriptor, e.gap = true, true, 7 })), []string{"a = content of a", "b = content of b"}},
	"no UTF-8":         {of(with(file("bad\xff"), func(e *lie) { e.flags = flagUTF8 })), []string{"bad\xff = content of bad\xff"}},
	"another order":    {liar{entries: []lie{file("a"), dir("d/"), with(file("d/b"), func(e *lie) { e.gap = 3 }), link("l", "a")}, backwards: true}, []string{"a = content of a", "d/", "d/b = content of d/b", "l -> a"}},
	"neighbours":       {of(file("a!"), file("a/x"), file("a.b")), []string{"a/", "a/x = content of a/x", "a! = content of a!", "a.b = content of a.b"}},
}

func TestExtract(t *testing.T) {
	t.Parallel()
	for name, tt := range join(extractions, oddities) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dest := filepath.Join(testdir.InMemory(t), "dest")
			if name == "no UTF-8" && !takesAnyName(t, filepath.Dir(dest)) {
				t.Skip("this file system takes names in UTF-8 only")
			}
			if err := extract(t, tt.zip.bytes(), dest, NewBudget(0, 0)); err != nil {
				t.Fatal(err)
			}
			got := tree(t, dest)
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// takesAnyName asks the file system whether a name may be something else than
// UTF-8. On Linux it has to be: there a test that is not run would not be missed.
func takesAnyName(t *testing.T, dir string) bool {
	t.Helper()
	err := os.WriteFile(filepath.Join(dir, "\xff"), nil, 0o600)
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return err == nil
}

// opened is an archive, and an empty directory to extract it to.
func opened(t *testing.T, r io.ReaderAt, size int64) (*Archive, *os.Root) {
	t.Helper()
	a, err := Zip.Open(r, size, Options{})
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return a, root
}

func TestExtractStops(t *testing.T) {
	t.Parallel()
	data := liar{entries: []lie{{name: "a", body: strings.Repeat("x", 1<<20), deflate: true}}}.bytes()
	a, root := opened(t, bytes.NewReader(data), int64(len(data)))
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("cancelled")
	cancel(cause)
	if _, err := a.Extract(ctx, root, ExtractOptions{}); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if err := root.WriteFile("a", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Extract(t.Context(), root, ExtractOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there gave %v", err)
	}
}

// only returns the entry of an archive that has one.
func only(t *testing.T, a *Archive) (only *Entry) {
	t.Helper()
	err := eachChosen(a.index, func(e *Entry) error {
		only = new(*e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return only
}

func TestCaseCollisions(t *testing.T) {
	t.Parallel()
	data := of(file("a/README"), file("a/readme"), file("b"), dir("c/"), dir("C/"), dir("C/"), dir("c/"), file("d"), file("D")).bytes()
	a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{Budget: NewBudget(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{{"a/README", "a/readme"}, {"c", "C"}, {"d", "D"}}
	for most := range 5 {
		pairs, more := a.CaseCollisions(most)
		if diff := cmp.Diff(want[:min(most, 3)], pairs, cmpopts.EquateEmpty()); diff != "" || more != 3-len(pairs) {
			t.Errorf("%d at most: %d more, %s", most, more, diff)
		}
	}
}

// Only files are replaced. An empty file that is marked as a directory counts as a file.
func TestReplaced(t *testing.T) {
	t.Parallel()
	for want, z := range []liar{
		of(file("a"), dir("d/"), dir("d/"), lie{name: "e", dosAttr: 0x10}, file("e/x")),
		of(file("a"), file("./a")),
		of(file("a"), file("a"), file("b"), file("a")),
	} {
		data := z.bytes()
		a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{})
		if err != nil || a.Replaced != want {
			t.Errorf("%v, want %d", err, want)
		}
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"dist", "a b", "...", "ünï", "-"} {
		if err := CheckName(ok); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ".", "..", "a/b", "/", `a\b`, "a\x00", "C:x", "../x", strings.Repeat("x", 256)} {
		if CheckName(bad) == nil {
			t.Errorf("%q passed", bad)
		}
	}
}

// What the directory shows to be impossible is refused before anything is read
// of the entries.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"end that overflows", "larger than any disk", "overlap, into next", "into the directory", "through a later symlink"} {
		data := refusals[name].zip.bytes()
		_, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{})
		if _, ok := errors.AsType[*RefusedError](err); !ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
